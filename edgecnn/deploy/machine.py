"""What a device has: which Python, which wheels it takes, how much space, and what is deployed there."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgecnn.errors import DeployError

from .session import Reply

# The runtime's wheels are for these machines: LiteRT's for 64 bits, tflite-runtime's for 32.
_MACHINES = ("aarch64", "x86_64", "armv7l")
# The oldest and the newest Python with them; on_the_pi.sh has them too.
PYTHONS = ((3, 10), (3, 14))
PYTHONS_32_BIT = ((3, 10), (3, 11))
_OLDEST_LIBC = (2, 17)  # of manylinux2014


@dataclass(frozen=True)
class Deployed:
    """A release that is on a device.

    Attributes:
        name: of its folder.
        facts: its release.json; empty where that is damaged.
        is_intact: whether the model there has the bytes that were sent.
        is_settled: whether its service was well after the switch, if it has one.
    """

    name: str
    facts: dict[str, Any]
    is_intact: bool
    is_settled: bool


@dataclass(frozen=True)
class Machine:
    """A device, as it was found.

    Attributes:
        root: the folder of deployments there.
        python: the program.
        version: of Python, such as (3, 11, 2).
        machine: as wheels have it, such as `aarch64`.
        libc: version of glibc.
        prefix: `linux32` or `linux64` where the kernel reports another word size than Python has, for pip goes by the
            kernel; else empty.
        free_bytes: on the disk of `root`.
        has_systemd: whether systemd started it.
        has_session: whether systemd has a session of the user.
        packages: of a 32-bit system, versions of Python packages by name; they are used.
        venvs: environments that are complete.
        current: what is deployed; None where nothing is.
        before: the release before it; None where there is none.
    """

    root: str
    python: str
    version: tuple[int, int, int]
    machine: str
    libc: tuple[int, int]
    prefix: str
    free_bytes: int
    has_systemd: bool = False
    has_session: bool = False
    packages: Mapping[str, str] = field(default_factory=dict)
    venvs: frozenset[str] = frozenset()
    current: Deployed | None = None
    before: Deployed | None = None

    def __str__(self) -> str:
        return f"{self.machine}, Python {'.'.join(map(str, self.version))}, glibc {'.'.join(map(str, self.libc))}"


def read_machine(host: str, reply: Reply, any_python: bool, named: str | None = None) -> Machine:
    """What the device answered to `probe`.

    Args:
        host: the device, for messages.
        reply: its answer.
        any_python: whether wheels for other Pythons than the index has are at hand.
        named: the Python that it was asked for; None for any.

    Raises:
        DeployError: nothing can be deployed to such a machine.
    """
    found = [json.loads(text) for text in reply.get("python", ()) if text.startswith("{")]
    if not found and named:
        raise DeployError(f"{named} on {host} is no Python that runs: name another one there with --python")
    if not found:
        raise DeployError(
            f"there is no Python on {host}: install it there (sudo apt install python3), or name it with --python"
        )
    fitting = [one for one in found if _why_not(host, one, any_python) == ""]
    if not fitting:
        raise DeployError(_why_not(host, found[0], any_python))
    chosen = fitting[0]
    return Machine(
        root=reply["root"][0],
        python=chosen["python"],
        version=tuple(chosen["version"]),
        machine=_machine(chosen),
        libc=_libc(chosen["libc"]),
        prefix=_prefix(chosen),
        free_bytes=1024 * int(reply["free"][0] or 0),
        has_systemd="systemd" in reply,
        has_session="systemd" in reply and "user_systemd" in reply,
        packages=chosen["packages"],
        venvs=frozenset(reply.get("venv", ())),
        current=read_deployed(reply),
        before=read_before(reply),
    )


def read_deployed(reply: Reply) -> Deployed | None:
    """The release that the device says it has; None where it has none."""
    if "current" not in reply:
        return None
    facts = _read_facts(reply.get("release", [""])[0])
    is_intact = bool(facts) and reply["sha256"][0] == facts["model"]["sha256"]
    return Deployed(reply["current"][0], facts, is_intact, "settled" in reply)


def read_before(reply: Reply) -> Deployed | None:
    """The release that it would go back to; None where there is none."""
    if "before_release" not in reply:
        return None
    return Deployed(reply["before"][0], _read_facts(reply["before_release"][0]), True, True)


def identity(facts: dict[str, Any]) -> str:
    """What tells a release from others: its facts but this one."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]


def _read_facts(text: str) -> dict[str, Any]:
    """Those of a release.json; empty where it is not what was sent."""
    try:
        facts: dict[str, Any] = json.loads(text)
        return facts if identity({key: facts[key] for key in facts if key != "id"}) == facts["id"] else {}
    except (ValueError, TypeError, KeyError):
        return {}


def _machine(found: Mapping[str, Any]) -> str:
    """As wheels have it: that of Python, whatever kernel is below it; 64-bit ones of ARM run 32-bit systems too."""
    name = str(found["machine"])
    return {32: "armv7l", 64: "aarch64"}[found["bits"]] if name in ("aarch64", "armv8l", "armv7l") else name


def _prefix(found: Mapping[str, Any]) -> str:
    """What has the kernel call itself by as many bits as Python has, by which pip chooses; empty where it does."""
    if found["bits"] == 32:
        return "linux32" if found["machine"] == "aarch64" else ""
    return "linux64" if _machine(found) != found["machine"] else ""


def _libc(text: str) -> tuple[int, int]:
    try:
        major, minor = text.removeprefix("glibc ").split(".")[:2]
        return int(major), int(minor)
    except ValueError:
        return 0, 0


def _why_not(host: str, found: Mapping[str, Any], any_python: bool) -> str:
    """Why this Python of the device cannot be used, in a sentence; empty if it can."""
    machine, version = _machine(found), tuple(found["version"])
    words = ".".join(map(str, version))
    if found["implementation"] != "CPython" or found["system"] != "Linux":
        return (
            f"{host} has {found['implementation']} on {found['system']}, and edgecnn's wheels are for CPython on Linux"
        )
    if machine not in _MACHINES or (machine == "x86_64" and found["bits"] == 32):
        kind = f"a 32-bit Python on {machine}" if found["bits"] == 32 else f"a processor {machine}"
        return (
            f"{host} has {kind}, for which there is no runtime: edgecnn needs a 64-bit Python on aarch64 or x86_64, or "
            "a 32-bit one on armv7l"
        )
    oldest, newest = PYTHONS_32_BIT if machine == "armv7l" else PYTHONS
    if machine == "armv7l" and (version[:2] < oldest or (version[:2] > newest and not any_python)):
        return (
            f"{host} has Python {words} on a 32-bit system, and for 32 bits there is a runtime for Python "
            f"{oldest[0]}.{oldest[1]} and {newest[0]}.{newest[1]} only: install the 64-bit Raspberry Pi OS (from the "
            "Pi 3 on), or the 32-bit one of Bookworm, or name another Python there with --python and give its wheels "
            "with --wheels"
        )
    if version[:2] < oldest:
        return (
            f"{host} has Python {words}, and edgecnn needs {oldest[0]}.{oldest[1]} or newer: upgrade its system, or "
            "name another Python there with --python"
        )
    if version[:2] > newest and not any_python:
        return (
            f"{host} has Python {words}, and there is a runtime for Python up to {newest[0]}.{newest[1]} only: name "
            "another Python there with --python, or give wheels for this one with --wheels"
        )
    if _libc(found["libc"]) < _OLDEST_LIBC:
        return f"{host} has {found['libc'] or 'no glibc'}, and the runtime's wheels need glibc 2.17 or newer"
    if not found["venv"]:
        return f"Python on {host} lacks its module venv: install it there (sudo apt install python3-venv)"
    return ""
