"""The unit file of a service: what systemd is to start, how it watches over it, and what it withholds from it."""

import math
import os
import re
from dataclasses import dataclass

from edgecnn.errors import InputError

MARK = "# Written by edgecnn service install."
_LEAST_WATCHDOG = 60  # seconds: a camera that was lost has been opened anew four times by then
_LONGEST_START = 120  # seconds, on the smallest of boards
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# systemd takes no program and no folder to start in whose path has one of these, however it is escaped.
_ODD = re.compile(r"""["'\\\x00-\x1f\x7f-\x9f\udc80-\udcff]|^ |\s$""")
# Bytes that are no UTF-8 come as surrogates.
_NO_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\udc80-\udcff]")
_TEMPORARY = re.compile(r"//?(?:var/)?tmp(?:/|$)")


@dataclass(frozen=True)
class ServiceSpec:
    """What is to be always on.

    Attributes:
        name: of the service, without `edgecnn-` before it and `.service` behind.
        command: program, by its whole path, and arguments.
        folder: that it is started in.
        watchdog: seconds without a classified frame, after which it is started anew.
        writable: folders that it may write to, by their whole paths without `..`, which systemd does not take there.
        path: where it finds programs, as $PATH has it; empty for where systemd finds them.
        user: who it runs as, for a service of the whole system; None for one of the user who installs it.
        groups: further ones that `user` gets.
        loading: seconds that it may take to load its model, beyond those that are usual.
    """

    name: str
    command: tuple[str, ...]
    folder: str
    watchdog: int
    writable: tuple[str, ...] = ()
    path: str = ""
    user: str | None = None
    groups: tuple[str, ...] = ()
    loading: int = 0


def unit_name(name: str) -> str:
    """Name of the unit of the service `name`: with `edgecnn-` before it, it is never that of another program.

    Raises:
        InputError: no service can be called so.
    """
    if not _NAME.fullmatch(name) or name.endswith(".service"):
        raise InputError(
            f"a service cannot be called {name or 'nothing'}: give it letters, digits, dots, dashes and underscores, "
            "at most 64, without .service"
        )
    return f"edgecnn-{name}.service"


def watchdog_seconds(fps: float, timeout: float) -> int:
    """How long a source may give no frame: four times what is usual for it, and no less than a minute.

    Args:
        fps: frames a second that it gives.
        timeout: seconds after which it is opened anew.
    """
    return max(_LEAST_WATCHDOG, math.ceil(4 * max(timeout, 1 / fps)))


def start_seconds(spec: ServiceSpec) -> int:
    """How long a start may take: systemd ends one that has classified no frame by then."""
    return _LONGEST_START + spec.watchdog + spec.loading


def escaped(text: str) -> str:
    """A word as a unit has it that reads words; in a command line with `:` before it, `$` stands for itself."""
    plain = text.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%")
    return '"' + _NO_LINE.sub(lambda odd: "".join(f"\\x{byte:02x}" for byte in os.fsencode(odd[0])), plain) + '"'


def uses_temporary_folders(spec: ServiceSpec) -> bool:
    """Whether it needs what lies in /tmp, which is emptied when the machine starts."""
    said = (part for text in (*spec.command, *spec.writable) for part in re.split("[=,]", text))
    places = (os.path.join(spec.folder, re.sub("^file:(//)?", "", part)) for part in ("", *said))
    return any(_TEMPORARY.match(os.path.normpath(place)) for place in places)


def unit_text(spec: ServiceSpec) -> str:
    """The unit file, of characters that UTF-8 has.

    Raises:
        InputError: a folder that is to be written to has a name that systemd does not take.
    """
    return _UNIT.format(
        mark=MARK,
        start=_start(spec),
        watchdog=spec.watchdog,
        starting=start_seconds(spec),
        name=spec.name,
        path=_programs(spec.path),
        state=unit_name(spec.name).removesuffix(".service"),
        writable="".join(f"ReadWritePaths=-{_path(folder)}\n" for folder in spec.writable),
        temporary="no" if uses_temporary_folders(spec) else "yes",
        scope=_system_lines(spec) if spec.user else "",
        target="multi-user.target" if spec.user else "default.target",
    )


def _start(spec: ServiceSpec) -> str:
    """Where it is started, and how."""
    command = spec.command
    if _ODD.search(spec.folder) or _ODD.search(command[0]):
        command = ("/bin/sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", spec.folder, *command)
        folder = "/"
    else:
        folder = spec.folder.replace("%", "%%")
    return f"WorkingDirectory={folder}\nExecStart=:{' '.join(map(escaped, command))}"


def _programs(path: str) -> str:
    """Where it finds programs; without folders whose names are not UTF-8, for systemd takes no such variable."""
    known = ":".join(folder for folder in path.split(":") if folder == folder.encode(errors="ignore").decode())
    return f"Environment={escaped('PATH=' + known)}\n" if known else ""


def _path(folder: str) -> str:
    """A folder as a list of paths in a unit has it."""
    if _NO_LINE.search(folder):
        raise InputError(f"systemd lets no service write to {folder}, whose name is not text in one line; rename it")
    return '"' + folder.replace("\\", r"\\").replace('"', r"\"").replace("%", "%%") + '"'


def _system_lines(spec: ServiceSpec) -> str:
    lines = f"User={spec.user}\n"
    if spec.groups:
        lines += f"SupplementaryGroups={' '.join(spec.groups)}\n"
    return lines + _SYSTEM


# What cannot be withheld: devices, for cameras and accelerators are many kinds of them (ProtectClock= would withhold
# them all), and memory that is written and run, in which the drivers of GPUs compile.
_UNIT = """\
{mark} Changes are lost when it is installed again.
[Unit]
Description=edgecnn live ({name})
After=network.target
# A camera that is away for a night is tried again in the morning.
StartLimitIntervalSec=0

[Service]
# Ready, and alive, is who has classified a frame.
Type=notify
NotifyAccess=all
WatchdogSec={watchdog}
TimeoutStartSec={starting}
TimeoutStopSec=20
WatchdogSignal=SIGTERM
Restart=always
RestartSec=5
{start}
{path}Environment=PYTHONSAFEPATH=1
# For what must not stand here, such as passwords: NAME=VALUE in each line.
EnvironmentFile=-%E/edgecnn/{name}.env
StateDirectory={state}
StateDirectoryMode=0700
RuntimeDirectory={state}
Environment=TMPDIR=%t/{state}
UMask=0077
MemoryMax=75%
{scope}NoNewPrivileges=yes
PrivateTmp={temporary}
ProtectSystem=strict
ProtectHome=read-only
{writable}ProtectControlGroups=yes
ProtectKernelTunables=yes
ProtectHostname=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy={target}
"""
# A manager that is not root may not do these.
_SYSTEM = """\
CapabilityBoundingSet=
AmbientCapabilities=
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectProc=invisible
RemoveIPC=yes
"""
