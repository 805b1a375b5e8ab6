"""edgecnn service install, status and remove."""

import dataclasses
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from .. import options, printing, wrong_usage
from ..usage_advice import AdvisingGroup

if TYPE_CHECKING:
    from edgecnn.device.service.status import ServiceStatus
    from edgecnn.device.service.systemd import Systemd

_name = click.option(
    "--name", default="live", show_default=True, metavar="NAME", help="Name of the service; the unit is edgecnn-NAME."
)
_system = click.option(
    "--system", "is_system", is_flag=True, help="A service of the whole system, by sudo, not one of your own."
)


class _BeforeLive(click.Command):
    """A command behind whose `--` stand the options of `edgecnn live`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Say where an option of `edgecnn live` must stand."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            from .live import command as live

            if any(error.option_name in (*option.opts, *option.secondary_opts) for option in live.params):
                sentence = f"{error.option_name} is an option of edgecnn live: write it behind --, as in the example"
                raise click.UsageError(sentence, ctx) from None
            raise


@click.group(name="service", cls=AdvisingGroup)
def command() -> None:
    """Keep edgecnn live always on, as a service of systemd.

    Example: edgecnn service install fashion-mnist -- --source camera
    """


@command.command(name="install", cls=_BeforeLive)
@click.argument("model")
@click.argument("live_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- LIVE_OPTIONS...]")
@_name
@_system
@click.option("--dry-run", is_flag=True, help="Print the unit file and the lines that would be run; change nothing.")
@options.force
def install(model: str, live_options: tuple[str, ...], name: str, is_system: bool, dry_run: bool, force: bool) -> None:
    """Start edgecnn live with MODEL now, with the machine, and whenever it ends or sees no frame for a minute.

    The minute is four times --timeout where that is longer. Behind -- stand the options of edgecnn live. All is checked
    first; the command returns when the service has classified a frame. Of --system each line is printed before it is
    run as root.

    Example: edgecnn service install fashion-mnist.activations -- --source camera --threshold 0.9
    """
    from edgecnn.device.service import installing
    from edgecnn.device.service.systemd import user_name
    from edgecnn.device.service.unit import unit_name, unit_text, uses_temporary_folders

    from ..service_request import service_spec
    from .live import command as live

    systemd = _systemd(is_system)
    _named(lambda: unit_name(name))
    if not dry_run:
        systemd.require()
    spec = service_spec(name, model, live, live_options, systemd)
    if uses_temporary_folders(spec):
        printing.note("Note: what lies in /tmp is gone when the machine starts again; put model and images elsewhere")
    if dry_run:
        unit = unit_name(name)
        printing.note(f"{systemd.unit_folder / unit} would be:")
        for line in unit_text(spec).splitlines():
            printing.say(line)
        printing.note("These lines would be run:")
        for line in installing.planned(spec, systemd):
            printing.note(line)
        return
    installing.install(spec, systemd, force=force)
    printing.say(f"{unit_name(name)} runs, and has classified a frame")
    if not is_system and not systemd.lingers():
        printing.note(
            "Note: it starts when you log in and ends when you log out; so that it starts with the machine, run sudo "
            f"loginctl enable-linger {user_name()}"
        )


@command.command(name="status")
@_name
@_system
@options.as_json
def status(name: str, is_system: bool, as_json: bool) -> None:
    """Say whether the service runs, when it last classified a frame, and how often it was started anew.

    Exit code 1 if it is not there or does not run.

    Example: edgecnn service status
    """
    from edgecnn.device.service.status import service_status

    systemd = _systemd(is_system)
    found = _named(lambda: service_status(name, systemd))
    if as_json:
        printing.print_json(dataclasses.asdict(found))
    else:
        for line in _lines(found, systemd):
            printing.say(line)
    click.get_current_context().exit(0 if found.active else 1)


@command.command(name="remove")
@_name
@_system
def remove(name: str, is_system: bool) -> None:
    """Stop the service and remove it, with what systemd keeps for it; frames that were kept stay.

    Example: edgecnn service remove
    """
    from edgecnn.device.service import installing
    from edgecnn.device.service.unit import unit_name

    systemd = _systemd(is_system)
    _named(lambda: installing.remove(name, systemd))
    printing.say(f"{unit_name(name)} is removed")


def _systemd(is_system: bool) -> "Systemd":
    from edgecnn.device.service.systemd import Systemd
    from edgecnn.errors import ServiceError

    if not sys.platform.startswith("linux"):
        raise ServiceError("services are for Linux with systemd; have what starts programs here start edgecnn live")

    return Systemd(is_system, printing.note)


def _named(work: Callable[[], Any]) -> Any:
    """Its result; a name that no service can have is wrong usage."""
    with wrong_usage.bad_value("--name"):
        return work()


def _lines(found: "ServiceStatus", systemd: "Systemd") -> list[str]:
    scope = "the system's" if found.is_system else "your own"
    if not found.installed:
        return [f"{found.unit} ({scope}): not installed"]
    start = "starts with the machine" if found.at_boot else "starts when you log in"
    lines = [f"{found.unit} ({scope}): installed, {start if found.enabled else 'does not start by itself'}"]
    if found.active:
        seen = "" if found.last_frame_s is None else f", last frame classified {found.last_frame_s:.1f} s ago"
        lines.append(f"running{seen}")
    else:
        lines.append(f"not running ({found.state}; ended last with {found.result}); see {systemd.journal(found.unit)}")
    if found.message:
        lines.append(f"it says: {found.message}")
    times = "once" if found.restarts == 1 else f"{found.restarts:,} times"
    return [*lines, f"started anew {times} since somebody started it"]
