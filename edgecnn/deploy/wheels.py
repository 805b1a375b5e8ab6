"""The wheels that edgecnn needs on a device, for its processor and its Python; downloaded here, kept in the cache."""

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import DeployError
from edgecnn.user_cache import cache_root

from .deployment import Supplies
from .machine import Machine
from .own_wheel import own_wheel
from .requirements import missing_requirements, own_requirements

_OLDEST_MANYLINUX = 17
_MOST_ROUNDS = 8  # of asking for what what was downloaded needs


@dataclass(frozen=True)
class Wheel:
    """A file to be installed.

    Attributes:
        name: of the file.
        sha256: of its bytes, in hexadecimal.
        size: in bytes.
        source: where it is.
    """

    name: str
    sha256: str
    size: int
    source: Path


@dataclass(frozen=True)
class Wheels:
    """All that an environment on the device is made of.

    Attributes:
        files: edgecnn's own wheel, what it needs, and pip, which installs them.
        venv: the name of the environment, by its contents.
    """

    files: tuple[Wheel, ...]
    venv: str

    @property
    def size(self) -> int:
        """Of all files, in bytes."""
        return sum(wheel.size for wheel in self.files)


def find_wheels(
    machine: Machine, extras: tuple[str, ...], supplies: Supplies, tell: Callable[[str], None], folder: Path
) -> Wheels:
    """The wheels for `machine`.

    Args:
        machine: the device.
        extras: of edgecnn, such as `live`.
        supplies: where they come from.
        tell: hears that they are fetched.
        folder: where edgecnn's own wheel is put.

    Raises:
        DeployError: there is none of what is needed, one is not what SHA256SUMS beside it says, or they cannot be kept.
    """
    source = supplies.wheels
    wanted = [*own_requirements(machine, extras), "pip"]
    facts = [*wanted, machine.machine, str(machine.version[:2]), str(machine.libc), json.dumps(dict(machine.packages))]
    if source is not None:
        facts += [
            f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(source.glob("*.whl"))
        ]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    place = _cache() / f"{machine.machine}-cp{machine.version[0]}{machine.version[1]}-{key}"
    listed = None if source is None else _listed(source)
    try:
        files = None if supplies.refresh else _read_set(place)
        if files is None or _unlisted(files, listed):
            tell(f"fetching wheels for {machine}")
            with _alone(place):
                files = None if supplies.refresh else _read_set(place)  # another may have fetched them meanwhile
                if files is None or _unlisted(files, listed):
                    _require_listed(source, listed)
                    files = _download(machine, wanted, source, place)
    except OSError as error:
        raise DeployError(f"wheels cannot be kept in {place} ({error.strerror}): set XDG_CACHE_HOME") from None
    name, data = own_wheel()
    write_bytes(folder / name, data)
    all_files = (Wheel(name, hashlib.sha256(data).hexdigest(), len(data), folder / name), *files)
    contents = "\n".join([*sorted(f"{wheel.sha256} {wheel.name}" for wheel in all_files), str(machine.version[:2]),
                          machine.python, machine.prefix, str(bool(machine.packages))])  # fmt: skip
    return Wheels(all_files, hashlib.sha256(contents.encode()).hexdigest()[:16])


def require_whole(wheels: Wheels) -> None:
    """Make sure that the files are what they were when they were downloaded.

    Raises:
        DeployError: one is not.
    """
    for wheel in wheels.files:
        if not _is_whole(wheel):
            raise DeployError(f"{wheel.source} in the cache is damaged: download it anew with --refresh")


def _cache() -> Path:
    try:
        return cache_root() / "wheels"
    except RuntimeError:
        raise DeployError("there is no home folder to keep wheels in: set XDG_CACHE_HOME") from None


def _is_whole(wheel: Wheel) -> bool:
    return wheel.source.is_file() and hashlib.sha256(wheel.source.read_bytes()).hexdigest() == wheel.sha256


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Wait for others that fetch the same, and hold them off; the system forgets who holds the lock when that ends."""
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (place / "lock").open("a") as lock:
        with contextlib.suppress(ImportError, OSError):  # Windows, and file systems without locks: both fetch
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _listed(source: Path) -> dict[str, str] | None:
    """The SHA-256 of each file by its name, as `sha256sum` wrote them; None where nobody did."""
    try:
        text = (source / "SHA256SUMS").read_text(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DeployError(f"{source / 'SHA256SUMS'} cannot be read ({error.strerror})") from None
    rows = (line.split(maxsplit=1) for line in text.splitlines() if " " in line.strip())
    return {Path(name.strip().lstrip("*")).name: digest.lower() for digest, name in rows}


def _unlisted(files: tuple[Wheel, ...], listed: dict[str, str] | None) -> bool:
    """Whether one of them is not what is listed."""
    return listed is not None and any(listed.get(wheel.name) != wheel.sha256 for wheel in files)


def _require_listed(source: Path | None, listed: dict[str, str] | None) -> None:
    """Make sure, before pip opens them, that the wheels in a folder are those that SHA256SUMS there names."""
    if source is None or listed is None:
        return
    for path in sorted(source.glob("*.whl")):
        if listed.get(path.name) != hashlib.sha256(path.read_bytes()).hexdigest():
            said = "is not what SHA256SUMS there says" if path.name in listed else "has no line in SHA256SUMS there"
            raise DeployError(f"{path.name} in {source} {said}: copy it anew, or write SHA256SUMS anew")


def _read_set(place: Path) -> tuple[Wheel, ...] | None:
    """What was downloaded there before; None if that was not all."""
    try:
        found = json.loads((place / "set.json").read_text())
        files = _wheels(place / found["folder"], found["wheels"])
        return files if all(wheel.source.stat().st_size == wheel.size for wheel in files) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _wheels(folder: Path, rows: list[dict[str, Any]]) -> tuple[Wheel, ...]:
    return tuple(Wheel(row["name"], row["sha256"], row["size"], folder / row["name"]) for row in rows)


def _download(machine: Machine, wanted: list[str], source: Path | None, place: Path) -> tuple[Wheel, ...]:
    """Fetch them into a folder that has its name by their contents, and never changes."""
    with tempfile.TemporaryDirectory(dir=place) as temporary:
        folder = Path(temporary) / "wheels"
        asked = wanted
        for _ in range(_MOST_ROUNDS):
            _run_pip(machine, asked, source, folder)
            asked = missing_requirements(machine, wanted, folder)
            if not asked:
                break
        else:
            raise DeployError(f"what edgecnn needs on the device cannot be found: {', '.join(asked)} is missing")
        rows = []
        for path in sorted(folder.glob("*.whl")):
            data = path.read_bytes()
            rows.append({"name": path.name, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)})
        name = hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]
        if not all(_is_whole(wheel) for wheel in _wheels(place / name, rows)):
            if (place / name).exists():
                (place / name).rename(Path(temporary) / "altered")
            folder.rename(place / name)
    write_bytes(place / "set.json", json.dumps({"folder": name, "wheels": rows}).encode())
    others = [path for path in place.iterdir() if path.is_dir() and path.name != name]
    for path in sorted(others, key=lambda one: one.stat().st_mtime)[:-1]:  # one may be on its way to a device
        shutil.rmtree(path, ignore_errors=True)
    return _wheels(place / name, rows)


def _run_pip(machine: Machine, wanted: list[str], source: Path | None, folder: Path) -> None:
    tags = [f"manylinux_2_{minor}" for minor in range(machine.libc[1], _OLDEST_MANYLINUX - 1, -1)]
    platforms = [f"{tag}_{machine.machine}" for tag in (*tags, "manylinux2014")] + [f"linux_{machine.machine}"]
    python = f"{machine.version[0]}{machine.version[1]}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
               "--dest", str(folder), "--only-binary", ":all:", "--implementation", "cp", "--python-version",
               f"{machine.version[0]}.{machine.version[1]}"]  # fmt: skip
    command += [word for abi in (f"cp{python}", "abi3", "none") for word in ("--abi", abi)]
    command += [word for platform in platforms for word in ("--platform", platform)]
    if machine.packages:  # pip would ask for those too that the device has
        command.append("--no-deps")
    if source is not None:
        command += ["--no-index", "--find-links", str(source)]
    answer = subprocess.run([*command, "--", *wanted], capture_output=True, text=True, errors="replace")
    if answer.returncode == 0:
        return
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    if "No module named pip" in answer.stderr:
        raise DeployError("there is no pip in this Python, which fetches wheels: run python -m ensurepip")
    said = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "no reason")
    place = f"in {source}" if source is not None else "on the package index"
    system = f"{machine.machine} with Python {machine.version[0]}.{machine.version[1]}"
    advice = "give a folder that has them with --wheels"
    if machine.machine == "armv7l" and machine.python.startswith("/usr/bin/"):
        advice = "run sudo apt install python3-numpy python3-pil python3-matplotlib python3-click there, or " + advice
    raise DeployError(f"{place} there are not all wheels for {system} ({said.removeprefix('ERROR: ')}): {advice}")
