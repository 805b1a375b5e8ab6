"""The wheel that a device gets is the code that runs here."""

import io
import zipfile
from pathlib import Path

import edgecnn
from edgecnn.deploy.own_wheel import own_wheel

ROOT = Path(edgecnn.__file__).parent


def test_it_has_every_file_of_the_package_once_and_the_same_bytes_each_time() -> None:
    name, data = own_wheel()
    assert name == f"edgecnn-{edgecnn.__version__}-py3-none-any.whl" and own_wheel() == (name, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
        for part in ("__init__.py", "device/classifier.py", "train/data/idx.py", "deploy/on_the_pi.sh", "py.typed"):
            assert archive.read(f"edgecnn/{part}") == (ROOT / part).read_bytes()
        info = f"edgecnn-{edgecnn.__version__}.dist-info"
        assert archive.read(f"{info}/METADATA").startswith(b"Metadata-Version")
        recorded = [line.split(",")[0] for line in archive.read(f"{info}/RECORD").decode().splitlines()]
    assert sorted(names) == sorted(set(names)) == sorted(recorded)
    assert not [name for name in names if "__pycache__" in name]
