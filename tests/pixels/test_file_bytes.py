"""Files that are larger than memory, and what never ends, are refused before they fill it; the others go on."""

import io
import os
from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.pixels import memory
from edgecnn.pixels.file_bytes import read_stream
from edgecnn.pixels.image_files import open_image
from tests.support.command_line import Run


def sparse(path: Path, mebibytes: int) -> Path:
    """A file of so many zeros, which take no room on the disk."""
    path.touch()
    os.truncate(path, mebibytes << 20)
    return path


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no such device")
def test_a_device_is_not_read_for_ever(tmp_path: Path) -> None:
    (tmp_path / "endless.png").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"endless\.png is a device, not an image; give a PNG or JPEG file"):
        open_image(str(tmp_path / "endless.png"))


def test_what_no_photograph_has_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"film\.png has more than 1,024 MiB: no photograph has"):
        open_image(str(sparse(tmp_path / "film.png", 1025)))


def test_what_does_not_fit_in_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:  35840 kB\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    with pytest.raises(
        InputError, match=r"scan\.tif needs 40 MiB of memory to be read, 35 MiB are free; scale the image"
    ):
        open_image(str(sparse(tmp_path / "scan.tif", 40)))
    with pytest.raises(InputError, match="standard input needs 36 MiB of memory to be read, 35 MiB are free"):
        read_stream(io.BytesIO(bytes(36 << 20)), "standard input")


@pytest.mark.parametrize("source", [(), ("--source",)])
def test_one_file_that_is_too_large_costs_no_other(source: tuple[str, ...], tmp_path: Path, edgecnn: Run) -> None:
    assert edgecnn("samples", tmp_path / "photos").exit_code == 0
    sparse(tmp_path / "photos" / "a.png", 1025)
    result = edgecnn("classify", "fashion-mnist", *source, tmp_path / "photos")
    assert result.exit_code == 1 and "a.png has more than 1,024 MiB" in result.stderr
    assert "sneaker.png: Sneaker" in result.stdout and "bag.png: Bag" in result.stdout
