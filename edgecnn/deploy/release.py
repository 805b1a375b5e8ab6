"""What goes to a device: a model with all that says how it is to run there, and the files of one deployment."""

import hashlib
import io
import json
import shlex
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from edgecnn.pixels.image_files import SUFFIXES

from .machine import Machine, identity
from .wheels import Wheels

_MIB = 1 << 20


@dataclass(frozen=True)
class Service:
    """The service of systemd that a release runs as; see `edgecnn service install`.

    Attributes:
        name: without `edgecnn-` before it.
        is_system: whether it is one of the whole system.
        options: of `edgecnn live`.
    """

    name: str
    is_system: bool
    options: tuple[str, ...]


@dataclass(frozen=True)
class Release:
    """What is to run on the device.

    Attributes:
        model_name: of the file here.
        model: its bytes.
        service: None for none.
        allowed_signers: the file of who may sign, its bytes; None where no signature is required.
        verify_options: of `edgecnn verify` and `edgecnn live`: what computes the model there.
        extras: of edgecnn.
    """

    model_name: str
    model: bytes
    service: Service | None = None
    allowed_signers: bytes | None = None
    verify_options: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def facts(self, venv: str, version: str) -> dict[str, Any]:
        """Its release.json.

        Args:
            venv: the environment that it runs in.
            version: of edgecnn in that.
        """
        signers = None if self.allowed_signers is None else hashlib.sha256(self.allowed_signers).hexdigest()
        facts = {
            "model": {
                "name": self.model_name.encode(errors="replace").decode(),
                "sha256": hashlib.sha256(self.model).hexdigest(),
                "bytes": len(self.model),
            },
            "edgecnn": version,
            "venv": venv,
            "service": asdict(self.service) if self.service else None,
            "allowed_signers_sha256": signers,
            "verify_options": list(self.verify_options),
            "extras": list(self.extras),
        }
        return {"id": identity(facts), **json.loads(json.dumps(facts))}

    def files(self, facts: Mapping[str, Any], root: str) -> dict[str, bytes]:
        """Name and contents of its files in the folder of the release.

        Args:
            facts: what `facts` returned.
            root: the folder of deployments on the device.
        """
        files = {"model.tflite": self.model, "release.json": json.dumps(facts, indent=2).encode()}
        if self.allowed_signers is not None:
            files["allowed_signers"] = self.allowed_signers
        if self.service is not None:
            options = [*self.verify_options, *signature_options(facts, f"{root}/current"), *self.service.options]
            files["service"] = (
                f"name={shlex.quote(self.service.name)}\nscope={'--system' if self.service.is_system else ''}\n"
                f"set -- {shlex.join(options)}\n"
            ).encode(errors="surrogateescape")
        return files


def release_options(facts: Mapping[str, Any], folder: str) -> list[str]:
    """The options of `edgecnn verify` for a release that lies in `folder` on the device."""
    return [*facts["verify_options"], *signature_options(facts, folder)]


def signature_options(facts: Mapping[str, Any], folder: str) -> list[str]:
    """Those that require a signature, where the release does."""
    return ["--require-signature", f"{folder}/allowed_signers"] if facts["allowed_signers_sha256"] else []


def pack(files: Mapping[str, bytes], wheels: Wheels | None, target: IO[bytes]) -> tuple[int, str]:
    """Write one tar: a manifest with the SHA-256 of each file, then the files.

    Args:
        files: contents by name.
        wheels: what an environment is made of; None where the device has it.
        target: a file, at its start.

    Returns:
        Its size in bytes, and the manifest's SHA-256.
    """
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    lines += [f"{wheel.sha256}  wheels/{wheel.name}\n" for wheel in (wheels.files if wheels else ())]
    manifest = "".join(lines).encode()
    # GNU's format: wheels have names of more than 100 characters.
    with tarfile.open(fileobj=target, mode="w|", format=tarfile.GNU_FORMAT, bufsize=tarfile.RECORDSIZE) as archive:
        for name, data in {"manifest": manifest, **files}.items():
            archive.addfile(_entry(name, len(data)), io.BytesIO(data))
        for wheel in wheels.files if wheels else ():
            with wheel.source.open("rb") as source:
                archive.addfile(_entry(f"wheels/{wheel.name}", wheel.size), source)
    size = target.tell()
    target.seek(0)
    return size, hashlib.sha256(manifest).hexdigest()


def sample_files(samples: Iterable[Path]) -> dict[str, bytes]:
    """Contents of sample images by the name that they have on the device, in their order.

    Of a folder only files with the suffix of an image are looked at there: each gets one, whatever it is called here.
    """
    return {
        f"samples/{number:05}{suffix if (suffix := path.suffix.lower()) in SUFFIXES else '.png'}": path.read_bytes()
        for number, path in enumerate(samples)
    }


def needed_bytes(machine: Machine, payload: int, wheels: Wheels) -> int:
    """Space that a deployment takes on the device while it is going on; unpacked, wheels take three times as much."""
    environment = 0 if wheels.venv in machine.venvs else 4 * wheels.size
    return payload + environment + 8 * _MIB


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry
