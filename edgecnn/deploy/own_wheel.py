"""The edgecnn that runs here as a wheel: what a device gets is what was tested here, installed editable or not.

Nothing is built and nothing fetched: the files of the package are packed as they are, with the metadata that they were
installed with. The same files give the same bytes.
"""

import base64
import hashlib
import io
import os
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from edgecnn.errors import DeployError
from edgecnn.model_file.container import ZIP_EPOCH

_WHEEL = "Wheel-Version: 1.0\nGenerator: edgecnn deploy\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def own_distribution() -> Distribution:
    """What is known of the edgecnn that is installed.

    Raises:
        DeployError: it is not installed.
    """
    try:
        found = distribution("edgecnn")
    except PackageNotFoundError:
        raise DeployError("edgecnn is not installed here, it only lies here: pip install it to deploy it") from None
    return found


def own_metadata() -> str:
    """Its metadata, as a wheel has it; see `own_distribution`."""
    found = own_distribution()
    return found.read_text("METADATA") or found.read_text("PKG-INFO") or ""


def own_wheel() -> tuple[str, bytes]:
    """Name and bytes of the wheel.

    Raises:
        DeployError: edgecnn is not installed, or lies in an archive.
    """
    package = Path(__file__).parents[1]
    if not package.is_dir():
        raise DeployError(f"edgecnn lies in an archive here, {package}: install it with pip to deploy it")
    version = own_distribution().version
    info = f"edgecnn-{version}.dist-info"
    contents = {f"edgecnn/{name}": data for name, data in _files(package)}
    contents[f"{info}/METADATA"] = own_metadata().encode()
    contents[f"{info}/WHEEL"] = _WHEEL.encode()
    contents[f"{info}/entry_points.txt"] = b"[console_scripts]\nedgecnn = edgecnn.cli:run\n"
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in contents.items())
    contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return f"edgecnn-{version}-py3-none-any.whl", buffer.getvalue()


def _files(package: Path) -> list[tuple[str, bytes]]:
    """Name and contents of each file; of an editable installation the stages are links to their folders."""
    found = []
    for folder, within, names in os.walk(package, followlinks=True):
        within[:] = sorted(name for name in within if name != "__pycache__" and not name.startswith("."))
        for name in sorted(names):
            if not name.endswith((".pyc", ".pyo")) and not name.startswith("."):
                path = Path(folder, name)
                found.append((path.relative_to(package).as_posix(), path.read_bytes()))
    return found


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
