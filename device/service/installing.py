"""A service is installed, and removed so that nothing of it stays."""

import os
import shlex
import shutil
from pathlib import Path

from edgecnn.atomic_files import claimed, write_bytes
from edgecnn.errors import OutputError, ServiceError

from .systemd import Systemd
from .unit import MARK, ServiceSpec, start_seconds, unit_name, unit_text

_MARGIN = 120.0  # seconds in which what was there before is stopped


def install(spec: ServiceSpec, systemd: Systemd, *, force: bool = False) -> None:
    """Install the service and start it; return when it has classified a frame.

    Args:
        spec: what is to be always on.
        systemd: where.
        force: whether one of that name may be there already.

    Raises:
        InputError: systemd cannot be told what `spec` says.
        OutputError: the unit cannot be written, or there is one.
        ServiceError: systemd does not take it, or it does not start.
    """
    text, unit = unit_text(spec), unit_name(spec.name)
    path = systemd.unit_folder / unit
    systemd.require()
    _require_free(path, force)
    systemd.require_root()
    for folder in spec.writable:
        _make(Path(folder), spec.user)
    is_new = not path.exists()
    if systemd.is_system:
        _write_as_root(path, text, systemd)
    else:
        with claimed([path], force):
            write_bytes(path, text.encode())
    *before, start = _starting(unit, systemd)
    try:
        for command in before:
            systemd.do(command)
    except ServiceError:
        if is_new:
            _take_back(path, systemd)
        raise
    # systemd itself gives up first, and then says why.
    if systemd.attempt(start, longest=start_seconds(spec) + _MARGIN).returncode:
        known = systemd.show(unit, "StatusText", "Result")
        reason = known.get("StatusText") or f"systemd calls it {known.get('Result', 'failed')}"
        raise ServiceError(
            f"{unit} is installed and is tried again every few seconds, but has not classified a frame yet: {reason}; "
            f"see {systemd.journal(unit)}"
        )


def planned(spec: ServiceSpec, systemd: Systemd) -> list[str]:
    """The lines that `install` runs; without root the unit is written by edgecnn itself."""
    path = systemd.unit_folder / unit_name(spec.name)
    lines = [f"mkdir -p {shlex.quote(folder)}" for folder in spec.writable]
    writing = _writing(path) if systemd.is_system else []
    return [*lines, *map(shlex.join, (*writing, *_starting(path.name, systemd)))]


def remove(name: str, systemd: Systemd) -> None:
    """Stop the service, and remove its unit and what systemd keeps for it; what --keep has kept stays.

    Raises:
        InputError: no service can be called so.
        ServiceError: there is no such service, or systemd does not let go of it.
    """
    unit = unit_name(name)
    path = systemd.unit_folder / unit
    systemd.require()
    if not path.is_file():
        raise ServiceError(f"there is no service {unit}: {path} does not exist; name another with --name, or --system")
    _require_free(path, force=True)
    systemd.require_root()
    systemd.do(systemd.systemctl("daemon-reload"))
    systemd.do(systemd.systemctl("disable", unit))
    # A unit that systemd could not read does not run and has no folders.
    systemd.attempt(systemd.systemctl("stop", unit))
    systemd.attempt(systemd.systemctl("clean", "--what", "state,runtime", unit))
    if systemd.is_system:
        systemd.do(systemd.as_root("rm", "-f", str(path)))
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"cannot remove {path}: {error.strerror or error}") from error
    systemd.do(systemd.systemctl("daemon-reload"))
    systemd.attempt(systemd.systemctl("reset-failed", unit))  # there is nothing to forget where it never failed
    if systemd.show(unit, "ActiveState").get("ActiveState") not in ("inactive", "failed"):
        raise ServiceError(f"{unit} is removed, but still runs: {shlex.join(systemd.systemctl('kill', unit))} ends it")


def _writing(path: Path) -> list[tuple[str, ...]]:
    """The lines that write a unit of the system, whole or not at all; its text is their input."""
    return [
        Systemd.as_root("install", "-D", "-m", "644", "/dev/stdin", str(_beside(path))),
        Systemd.as_root("mv", "-T", str(_beside(path)), str(path)),
    ]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _write_as_root(path: Path, text: str, systemd: Systemd) -> None:
    try:
        for command in _writing(path):
            systemd.do(command, text)
    except ServiceError:
        systemd.attempt(systemd.as_root("rm", "-f", str(_beside(path))))  # a half of it, where the disk is full
        raise


def _take_back(path: Path, systemd: Systemd) -> None:
    """Remove a new unit that cannot be enabled: it is no service, and would be in the way of the next attempt."""
    if systemd.is_system:
        systemd.attempt(systemd.as_root("rm", "-f", str(path)))
    else:
        path.unlink(missing_ok=True)
    systemd.attempt(systemd.systemctl("daemon-reload"))


def _starting(unit: str, systemd: Systemd) -> list[tuple[str, ...]]:
    """The lines that have it start: with the machine, and now."""
    return [systemd.systemctl("daemon-reload"), systemd.systemctl("enable", unit), systemd.systemctl("restart", unit)]


def _require_free(path: Path, force: bool) -> None:
    """Make sure that nothing but a unit of ours is replaced or removed, and that only when it is asked for."""
    try:
        there = path.read_text(errors="replace") if path.exists() or path.is_symlink() else None
    except OSError as error:
        raise OutputError(f"{path} cannot be read ({error.strerror}); it must be a unit file") from None
    if there is None:
        return
    if not there.startswith(MARK):
        raise OutputError(f"{path} was not written by edgecnn service install, and stays; choose another --name")
    if not force:
        raise OutputError(f"the service {path.name} is installed already; add --force to replace it, or choose --name")


def _make(folder: Path, user: str | None) -> None:
    """Make a folder that is not there; where root does that for another user, it is that user's."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if user and os.getuid() == 0:
            for one in missing:
                shutil.chown(one, user)
    except (OSError, LookupError) as error:
        raise OutputError(f"cannot make {folder}: {getattr(error, 'strerror', None) or error}") from error
