"""Real wheels without a network: packed again from what is installed here, without what is never used."""

import base64
import hashlib
import re
import zipfile
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

# The drivers of accelerators that no test has are most of LiteRT.
_UNUSED = ("/tests/", "/test/", "/_pyinstaller/", "/f2py/", "/vendors/", "/tools/apply_", "WebGpu", "/mpl-data/sample")
_REQUIRED = re.compile(rb"^Requires-Python: .*\r?\n", re.MULTILINE)


def write_wheels(folder: Path, extra: str = "") -> Path:
    """A folder with a wheel of each package that edgecnn, and an extra of it, needs on a machine like this one."""
    folder.mkdir(exist_ok=True)
    names, waiting = {"pip"}, ["edgecnn"]
    while waiting:
        for text in distribution(waiting.pop()).requires or ():
            one = Requirement(text)
            if (one.marker is None or one.marker.evaluate({"extra": extra})) and one.name not in names:
                names.add(one.name)
                waiting.append(one.name)
    for name in names:
        _repack(name, folder)
    return folder


def _repack(name: str, folder: Path) -> None:
    found = distribution(name)
    contents = {}
    for file in found.files or ():
        text = file.as_posix()
        if ".." in text or "__pycache__" in text or any(part in f"/{text}" for part in _UNUSED):
            continue
        if text.endswith((".dist-info/RECORD", ".dist-info/INSTALLER", ".dist-info/REQUESTED", "direct_url.json")):
            continue
        data = Path(str(found.locate_file(file))).read_bytes()
        # uv passes over upper bounds of it, and pip does not: what runs here may be refused.
        contents[text] = _REQUIRED.sub(b"", data, count=1) if text.endswith(".dist-info/METADATA") else data
    (info,) = {text.split("/")[0] for text in contents if text.endswith(".dist-info/METADATA")}
    tags = [line.split(": ")[1] for line in (found.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: ")]
    python, abi, _ = tags[0].split("-")
    platform = ".".join(sorted({tag.split("-")[2] for tag in tags}))
    pythons = ".".join(sorted({tag.split("-")[0] for tag in tags})) if platform == "any" else python
    with zipfile.ZipFile(folder / f"{info.removesuffix('.dist-info')}-{pythons}-{abi}-{platform}.whl", "w") as archive:
        record = ""
        for text, data in contents.items():
            archive.writestr(zipfile.ZipInfo(text), data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
            record += f"{text},sha256={digest},{len(data)}\n"
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD"), f"{record}{info}/RECORD,,\n")
