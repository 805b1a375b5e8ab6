"""From a command line of `edgecnn live` to the service that runs it, checked as `edgecnn live` itself checks it."""

import math
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import broker_options, printing

if TYPE_CHECKING:
    from edgecnn.device.service.systemd import Systemd
    from edgecnn.device.service.unit import ServiceSpec


def service_spec(
    name: str, model: str, live: click.Command, live_options: Sequence[str], systemd: "Systemd"
) -> "ServiceSpec":
    """The service `name` of `systemd` that runs `live` with `model` and these options, as this Python would here.

    Raises:
        click.ClickException: `edgecnn live` would not start so.
    """
    from edgecnn.device.service.unit import ServiceSpec, watchdog_seconds

    said = _live_parameters(model, live, live_options)
    folder = os.getcwd()
    command = (sys.executable, "-m", "edgecnn", "live", model, *live_options)
    _check(command, folder)
    if said["mqtt"] and not said["mqtt_password_file"]:
        _note_password(systemd.environment_file(name))
    user, groups = _user_and_groups() if systemd.is_system else (None, ())
    return ServiceSpec(
        name,
        command,
        folder,
        watchdog_seconds(said["fps"], said["timeout"]),
        writable=tuple(os.path.realpath(rule.folder) for rule in said["keep"]),
        path=os.environ.get("PATH", ""),
        user=user,
        groups=groups,
        loading=math.ceil(3 * (said["delegate_timeout"] or 0)),  # it is tried, loaded and proved
    )


def _live_parameters(model: str, live: click.Command, live_options: Sequence[str]) -> dict[str, Any]:
    """What the options say; those with which a service would end are refused.

    Raises:
        click.UsageError: `edgecnn live` does not take them, or they are not for a service.
    """
    from edgecnn.device.live.sources.opening import kind_of

    parent = click.get_current_context().find_root()
    said = live.make_context("live", [model, *live_options], parent=parent).params
    refuse_what_ends(said)
    kind = kind_of(said["source"])
    if kind and kind.is_file and not said["loop"]:
        printing.note(
            "Note: the source ends, and the service begins it again; with --loop behind -- it goes on at once"
        )
    return said


def refuse_what_ends(said: Mapping[str, Any]) -> None:
    """Refuse options of `edgecnn live` with which a service would end.

    Raises:
        click.UsageError: there is such an option.
    """
    for name in ("frames", "dry_run"):
        if said[name]:
            raise click.UsageError(f"a service is to go on: leave out --{name.replace('_', '-')}")


def _check(command: Sequence[str], folder: str) -> None:
    """Have the very program that systemd will start check model, options and source.

    Raises:
        click.ClickException: it does not take them, in its own words.
    """
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    environment.pop("NOTIFY_SOCKET", None)
    answer = subprocess.run(
        [*command, "--dry-run"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True
    )
    lines = answer.stderr.decode(errors="backslashreplace").splitlines()
    if not answer.returncode:
        for line in lines:
            printing.note(line)
        return
    sentence = next((line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")), "")
    if not sentence:
        sentence = f"{Path(command[0])} cannot run edgecnn live: {lines[-1] if lines else 'it says nothing'}"
    raise click.UsageError(sentence) if answer.returncode == 2 else click.ClickException(sentence)


def _note_password(file: Path) -> None:
    """Say that a password of the broker that this shell knows is not one that the service knows."""
    variable = broker_options.PASSWORD
    if not os.environ.get(variable):
        return
    try:
        if f"{variable}=" in file.read_text(errors="replace"):
            return
    except PermissionError:  # root's, whose business it is
        return
    except OSError:  # it is not there
        pass
    printing.note(
        f"Note: {variable} is set here, but not for the service: write a line {variable}=... into {file}, which only "
        "its owner may read, or give --mqtt-password-file"
    )


def _user_and_groups() -> tuple[str | None, tuple[str, ...]]:
    """Who a service of the system runs as: who asks for it, also by sudo; and the group of cameras."""
    import grp  # Windows has none, and no systemd

    from edgecnn.device.service.systemd import user_name

    user = (os.environ.get("SUDO_USER") if os.getuid() == 0 else None) or user_name()
    if user == "root":
        printing.note("Note: the service runs as root, without its privileges; install it as another user by sudo")
    return user, ("video",) if any(group.gr_name == "video" for group in grp.getgrall()) else ()
