"""Options of `edgecnn deploy`: the way to the device, and what is to run there."""

import copy
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from . import bundle, options, wrong_usage
from .delegate_options import Safeguards
from .given import first_given
from .mqtt_options import MqttOptions
from .page_options import PageOptions
from .source_options import chosen_crop, refuse_ignored
from .usage_advice import refuse_empty

if TYPE_CHECKING:
    from edgecnn.deploy.deployment import Supplies
    from edgecnn.deploy.ssh import Ssh

_PROVED = ("require_signature", "delegate", "delegate_options", "require_delegate")  # that `edgecnn verify` has as well

_FOR_WHAT_IS_SENT = ("python", "wheels", "refresh")


class DeviceOptions(NamedTuple):
    """How the device is reached, and where what runs there comes from.

    Attributes:
        ssh: the ssh client.
        port: of the device; None for what ssh's settings say.
        ssh_option: KEY=VALUE, each.
        accept_new_host: whether a key that was never seen is taken.
        python: of the device.
        wheels: a folder of wheels.
        refresh: whether newer wheels are looked for.
    """

    ssh: str
    port: int | None
    ssh_option: tuple[str, ...]
    accept_new_host: bool
    python: str | None
    wheels: str | None
    refresh: bool

    def way(self, host: str) -> "Ssh":
        """The way to the device.

        Raises:
            click.UsageError: there is no such way.
        """
        from edgecnn.deploy.ssh import Ssh

        with wrong_usage.bad_options():
            return Ssh(
                host,
                program=self.ssh,
                port=self.port,
                options=self.ssh_option,
                accept_new=self.accept_new_host,
                ask=_somebody_answers(),
            )

    def supplies(self) -> "Supplies":
        """Where what runs the model comes from."""
        from edgecnn.deploy.deployment import Supplies

        return Supplies(Path(self.wheels) if self.wheels else None, self.refresh, self.python)


def _somebody_answers() -> bool:
    """Whether ssh may ask for a password or about a key: on the terminal, or by the program of SSH_ASKPASS."""
    if sys.stdin.isatty():
        return True
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    is_forced = os.environ.get("SSH_ASKPASS_REQUIRE", "").lower() in ("force", "prefer")
    return bool(os.environ.get("SSH_ASKPASS")) and (has_screen or is_forced)


_OPTIONS = (
    click.option("--refresh", is_flag=True, help="Look for newer wheels than those in the cache of this computer."),
    click.option(
        "--wheels",
        type=click.Path(exists=True, file_okay=False),
        metavar="DIR",
        help="Take wheels from this folder, not from the package index: no internet is needed.",
    ),
    click.option("--python", metavar="PROGRAM", help="The device's Python.  [default: the first there that fits]"),
    click.option(
        "--accept-new-host",
        is_flag=True,
        help="Trust the key of a device that ssh has not seen before; one that has changed is always refused.",
    ),
    click.option(
        "--ssh-option",
        metavar="KEY=VALUE",
        multiple=True,
        help="An option for ssh, as its -o, such as ProxyJump=gate; may be repeated.",
    ),
    click.option(
        "--port", type=click.IntRange(1, 65535), help="Where ssh answers.  [default: what ssh's settings say]"
    ),
    click.option("--ssh", default="ssh", show_default=True, metavar="PROGRAM", help="The ssh client."),
)

bundled = bundle.bundled(DeviceOptions, "device_options", _OPTIONS)
keep = click.option(
    "--keep",
    type=click.IntRange(2, 1000),
    default=3,
    show_default=True,
    metavar="N",
    help="Releases that stay there: the current one, and those before it.",
)
max_drift = click.option(
    "--max-drift",
    type=click.FloatRange(0, 100),
    default=50,
    show_default=True,
    metavar="PERCENT",
    callback=options.a_number,
    help="Fail if more of the samples are unlike those of the calibration.",
)


def require_sample(samples: Sequence[str]) -> None:
    """Refuse --max-drift without a sample: nothing would go by it.

    Raises:
        click.UsageError: it stands alone.
    """
    if not samples and first_given("max_drift"):
        raise click.UsageError("--max-drift goes with --sample")


def refuse_options(said: dict[str, Any]) -> None:
    """Refuse what says how a model is to be deployed: nothing would go by it.

    Raises:
        click.UsageError: there is such an option.
    """
    if option := first_given(*said, *_FOR_WHAT_IS_SENT):
        raise click.UsageError(f"{option} goes with a MODEL: --status and --rollback take what is there")


def live_parameters(live: click.Command, live_options: Sequence[str], *, has_delegate: bool) -> dict[str, Any]:
    """What options of `live`, the command of that name, say on the device: its files are not looked for here.

    Args:
        live: the command.
        live_options: its options.
        has_delegate: whether it is given a delegate, too.

    Raises:
        click.UsageError: `edgecnn live` does not take them, or they are not for a service, or not proved there.
    """
    from .service_request import refuse_what_ends

    there = copy.copy(live)
    there.params = [_of_the_device(option) for option in live.params]
    parent, words = click.get_current_context().find_root(), ["fashion-mnist", *live_options]
    refuse_empty(there.context_class(there, parent, "live"), words)
    context = there.make_context("live", words, parent=parent)
    refuse_what_ends(context.params)
    if option := first_given(*_PROVED, context=context):
        raise click.UsageError(f"write {option} before --: the device is to prove the model with it, too")
    with context.scope(cleanup=False):
        if not has_delegate and (option := first_given(*Safeguards._fields)):
            raise click.UsageError(f"{option} goes with --delegate, which stands before --")
        _refuse_contradictions(context.params)
    return context.params


def _refuse_contradictions(said: dict[str, Any]) -> None:
    """Refuse what `edgecnn live` would refuse on any machine, once all had been sent there.

    Raises:
        click.UsageError: its options contradict each other.
    """
    from edgecnn.device.live.outlets.webhook import host_of

    refuse_ignored(said["source"], elsewhere=True)
    chosen_crop(said["crop"], said["square"], otherwise=True)
    PageOptions(*(said[name] for name in PageOptions._fields)).refuse_contradictions()
    MqttOptions(*(said[name] for name in MqttOptions._fields)).refuse_contradictions()
    if said["webhook"]:
        with wrong_usage.bad_value("--webhook"):
            host_of(said["webhook"])


def _of_the_device(option: click.Parameter) -> click.Parameter:
    if not isinstance(option.type, click.Path):
        return option
    there = copy.copy(option)
    there.type = click.STRING
    return there
