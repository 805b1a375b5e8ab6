"""What edgecnn needs on a device: its own metadata, read as the device would read it, not this computer."""

import zipfile
import zlib
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.errors import DeployError

from .machine import Machine
from .own_wheel import own_metadata

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def own_requirements(machine: Machine, extras: tuple[str, ...]) -> list[str]:
    """What edgecnn with `extras` needs there; of a 32-bit system, without what that has itself."""
    return sorted({_plain(one) for one in _needed(own_metadata(), machine, extras) if not _has(machine, one)})


def missing_requirements(machine: Machine, wanted: list[str], folder: Path) -> list[str]:
    """What the wheels in `folder`, and `wanted`, need there and neither they nor the device have.

    pip decides by this computer's Python and processor what its wheels need in turn, not by the device's.

    Raises:
        DeployError: a file is no wheel.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name, parse_wheel_filename

    needed, there = [Requirement(text) for text in wanted], set()
    for path in folder.glob("*.whl"):
        there.add(parse_wheel_filename(path.name)[0])
        needed += _needed(_metadata(path), machine, ())
    absent = (one for one in needed if canonicalize_name(one.name) not in there and not _has(machine, one))
    return sorted({_plain(one) for one in absent})


def _metadata(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return archive.read(name).decode(errors="replace")
    except (zipfile.BadZipFile, zlib.error, EOFError, StopIteration):
        raise DeployError(f"{path.name} is no whole wheel: fetch it anew") from None


def _needed(metadata: str, machine: Machine, extras: tuple[str, ...]) -> "Iterator[Requirement]":
    from packaging.requirements import Requirement

    for text in HeaderParser().parsestr(metadata).get_all("Requires-Dist") or ():
        one = Requirement(text)
        if one.marker is None or any(one.marker.evaluate(_environment(machine, extra)) for extra in ("", *extras)):
            yield one


def _environment(machine: Machine, extra: str) -> dict[str, str]:
    version = ".".join(map(str, machine.version))
    return {
        "extra": extra,
        "implementation_name": "cpython",
        "implementation_version": version,
        "os_name": "posix",
        "platform_machine": machine.machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "platform_release": "",
        "platform_version": "",
        "python_full_version": version,
        "python_version": f"{machine.version[0]}.{machine.version[1]}",
        "sys_platform": "linux",
    }


def _plain(one: "Requirement") -> str:
    """Without its marker, which holds."""
    within = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
    return f"{one.name}{within}{one.specifier}"


def _has(machine: Machine, one: "Requirement") -> bool:
    from packaging.utils import canonicalize_name

    found = {canonicalize_name(name): version for name, version in machine.packages.items()}
    version = found.get(canonicalize_name(one.name))
    return version is not None and one.specifier.contains(version, prereleases=True)
