"""The wheels that edgecnn needs on a device, for its processor and its Python; downloaded here, kept in the cache."""

import hashlib
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.errors import DeployError
from edgecnn.user_cache import cache_root

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


def find_wheels(machine: Machine, extras: tuple[str, ...], source: Path | None, refresh: bool, folder: Path) -> Wheels:
    """The wheels for `machine`.

    Args:
        machine: the device.
        extras: of edgecnn, such as `live`.
        source: a folder of wheels, which is asked in place of the package index; None for the index.
        refresh: whether newer ones may take the place of those in the cache.
        folder: where edgecnn's own wheel is put.

    Raises:
        DeployError: there is none of what is needed.
    """
    wanted = [*own_requirements(machine, extras), "pip"]
    facts = [*wanted, machine.machine, str(machine.version[:2]), str(machine.libc), json.dumps(dict(machine.packages))]
    if source is not None:
        facts += [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(source.iterdir())]
    key = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]
    place = _cache() / f"{machine.machine}-cp{machine.version[0]}{machine.version[1]}-{key}"
    kept = None if refresh else _read_set(place)
    files = kept or _download(machine, wanted, source, place)
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
        if not wheel.source.is_file() or hashlib.sha256(wheel.source.read_bytes()).hexdigest() != wheel.sha256:
            raise DeployError(f"{wheel.source} in the cache is damaged: download it anew with --refresh")


def _cache() -> Path:
    try:
        return cache_root() / "wheels"
    except RuntimeError:
        raise DeployError("there is no home folder to keep wheels in: set XDG_CACHE_HOME") from None


def _read_set(place: Path) -> tuple[Wheel, ...] | None:
    """What was downloaded there before; None if that was not all."""
    try:
        rows = json.loads((place / "set.json").read_text())
        files = tuple(Wheel(row["name"], row["sha256"], row["size"], place / row["name"]) for row in rows)
        return files if all(wheel.source.stat().st_size == wheel.size for wheel in files) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _download(machine: Machine, wanted: list[str], source: Path | None, place: Path) -> tuple[Wheel, ...]:
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
        folder = Path(temporary)
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
            path.replace(place / path.name)
    write_bytes(place / "set.json", json.dumps(rows).encode())
    for path in place.glob("*.whl"):
        if path.name not in {row["name"] for row in rows}:
            path.unlink()
    files = _read_set(place)
    assert files is not None  # noqa: S101 - it was just written
    return files


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
    if machine.machine == "armv7l":
        advice = "run sudo apt install python3-numpy python3-pil python3-matplotlib python3-click there, or " + advice
    raise DeployError(f"{place} there are not all wheels for {system} ({said.removeprefix('ERROR: ')}): {advice}")
