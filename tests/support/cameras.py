"""Sources of frames for tests: a program in the place of rpicam-vid, films, and JPEGs to fill them with."""

import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from edgecnn.device.live.frames import Frame
from edgecnn.device.live.sources.source import FrameSource
from edgecnn.model_file.bundled import sample_images

SCRIPT = Path(__file__).parents[1] / "scripts" / "fake_rpicam_vid.py"


def jpeg(size: tuple[int, int] = (64, 48), colour: str = "gray") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def garment(index: int = 0, size: tuple[int, int] = (160, 120)) -> bytes:
    """A sample in the middle of a dark frame, as a JPEG of a camera."""
    canvas = Image.new("L", size)
    side = min(size)
    sample = Image.open(sample_images()[index]).convert("L").resize((side, side))
    canvas.paste(sample, ((size[0] - side) // 2, (size[1] - side) // 2))
    buffer = io.BytesIO()
    canvas.convert("RGB").save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


class FakeCamera:
    """`rpicam-vid` at the front of PATH, and what was done with it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._environment, self.log = monkeypatch, folder / "runs.txt"
        self.images = folder / "images"
        self.images.mkdir()
        for number in range(3):
            (self.images / f"{number}.jpg").write_bytes(garment(number))
        self.bin = folder / "bin"
        self.bin.mkdir()
        monkeypatch.setenv("PATH", f"{self.bin}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("CAMERA_IMAGES", str(self.images))
        monkeypatch.setenv("CAMERA_LOG", str(self.log))

    def install(self, runs: str, name: str = "rpicam-vid") -> None:
        """Have it do, run after run, what the words in `runs` say; see the script."""
        program = self.bin / name
        program.write_text(f"#!{sys.executable} -ISs\n{SCRIPT.read_text()}")
        program.chmod(0o755)
        self._environment.setenv("CAMERA_RUNS", runs)

    @property
    def runs(self) -> list[str]:
        """The options of each run."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def processes(self) -> list[int]:
        """Those of its runs that are alive."""
        return [number for number in (int(line.split()[0]) for line in self.runs) if _is_alive(number)]


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def first(source: FrameSource, count: int) -> list[Frame]:
    """The first frames of a source, which is closed then."""
    frames: list[Frame] = []
    iterator: Iterator[Frame] = iter(source)
    try:
        for frame in iterator:
            frames.append(frame)
            if len(frames) == count:
                break
    finally:
        source.close()
        del iterator
    return frames
