"""What docs/how-to/extend.md promises of the device: an accelerator, a runtime, a method, a source is a row."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from edgecnn.device.live.sources.opening import METAVAR
from edgecnn.device.runtime.accelerators import ACCELERATORS
from edgecnn.device.runtime.runtimes import RUNTIMES
from edgecnn.model_file.bundled import sample_images
from tests.support.tree_copy import ROOT, TreeCopy

LIBRARY = "libpool_delegate.so"
ACCELERATOR = f"""
ACCELERATORS["pool"] = Accelerator(
    "library", library="{LIBRARY}", advice="build it first", install="for pooling alone: make pool"
)
"""
RUNTIME = """
RUNTIMES["nightly"] = RuntimePackage("ai-edge-litert", "ai_edge_litert.interpreter", "pip install nightly")
"""

METHOD = """
METHODS["centre"] = Method("say that the middle matters", "nearness")
"""
METHOD_FILE = """
import numpy as np


class Centre:
    invokes, reads = 0, ()

    def heat_map(self, pixels, index, ask):
        rows, columns = np.indices(pixels.shape[:2])
        return -np.hypot(rows - 13.5, columns - 13.5).astype(np.float32)


def prepare(loaded):
    return Centre()
"""

SOURCE_ROW = """    SourceKind("negatives:FOLDER", lambda text: text.startswith("negatives:"), _negatives),
"""
SOURCE_OPENING = """def _negatives(text: str, settings: SourceSettings, tell: Tell) -> FrameSource:
    from .negatives import Negatives

    return Negatives(text.removeprefix("negatives:"))


"""
SOURCE_FILE = """
import io
from pathlib import Path

from PIL import Image, ImageOps

from .source import Numbering


class Negatives:
    title, is_live, damaged = "negatives", False, 0

    def __init__(self, folder):
        self._paths = sorted(Path(folder).iterdir())

    def __iter__(self):
        numbering = Numbering()
        for path in self._paths:
            buffer = io.BytesIO()
            ImageOps.invert(Image.open(path)).save(buffer, "PNG")
            yield numbering.frame(buffer.getvalue(), path.name)

    def close(self):
        pass
"""


class Copy(TreeCopy):
    """A copy of the tree with room for rows of the device's runtime, and a folder for libraries."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.libraries = folder / "libraries"
        self.libraries.mkdir()

    def add(self, module: str, row: str) -> None:
        """Write a row at the end of a module of the device's runtime, below its table."""
        self.append(f"device/runtime/{module}", row)

    def build_library(self) -> None:
        """Build the delegate where the system's loader looks for it."""
        source, path = ROOT / "tests" / "support" / "pool_delegate.cc", self.libraries / LIBRARY
        flags = ("-shared", "-fPIC", f"-Wl,-soname,{LIBRARY}")
        command = [os.environ.get("CXX", "g++"), *flags, "-o", str(path), str(source)]
        subprocess.run(command, check=True, timeout=300)

    def run(self, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        """What a command line of the copy does."""
        return super().run(*arguments, LD_LIBRARY_PATH=str(self.libraries), **environment)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    made = Copy(tmp_path_factory.mktemp("extended"))
    made.add("accelerators.py", ACCELERATOR)
    made.add("runtimes.py", RUNTIME)
    made.append("device/explaining/methods.py", METHOD)
    made.append("device/explaining/centre.py", METHOD_FILE)
    made.append("device/live/sources/negatives.py", SOURCE_FILE)
    made.insert("device/live/sources/opening.py", '    SourceKind("camera",', SOURCE_ROW)
    made.insert("device/live/sources/opening.py", "def _is_device", SOURCE_OPENING)
    return made


@pytest.fixture(scope="module")
def built(copy: Copy) -> Copy:
    copy.build_library()
    return copy


def shoe() -> Path:
    return next(path for path in sample_images() if "sneaker" in path.name)


@pytest.mark.parametrize("command", ["classify", "features", "explain", "verify", "evaluate"])
def test_help_names_them(command: str, copy: Copy) -> None:
    words = " ".join(copy.run(command, "--help").stdout.split())
    assert f"{'|'.join(ACCELERATORS)}|pool|PATH" in words
    assert f"[{'|'.join(RUNTIMES)}|nightly]" in words


def test_help_of_parity_names_the_accelerator(copy: Copy) -> None:
    words = " ".join(copy.run("parity", "--help").stdout.split())
    assert f"{'|'.join(name for name in ACCELERATORS if name != 'cpu')}|pool|PATH" in words


def test_before_it_is_installed_the_row_says_how(tmp_path: Path) -> None:
    bare = Copy(tmp_path)
    bare.add("accelerators.py", ACCELERATOR)
    missing = bare.run("classify", "fashion-mnist", shoe(), "--delegate", "pool")
    assert missing.returncode == 1 and missing.stderr.count("\n") == 1
    assert f"the delegate pool needs {LIBRARY}" in missing.stderr and "build it first" in missing.stderr
    doctor = bare.run("doctor").stdout
    assert f"no {LIBRARY}" in doctor and "for pooling alone: make pool" in doctor


def test_the_accelerator_classifies(built: Copy) -> None:
    report = built.run(
        "classify", "fashion-mnist", shoe(), "--delegate", "pool", "--require-delegate", "any", "--delegate-report"
    )
    assert report.returncode == 0 and ": Sneaker " in report.stdout, report.stderr
    assert "pool: 2 of 8 operators, 2 partition(s)" in report.stderr


def test_its_options_reach_it(built: Copy) -> None:
    told = built.run("verify", "fashion-mnist", "--delegate", "pool", "--delegate-option", "fail_create=1")
    assert told.returncode == 1 and "told to fail in create" in told.stderr
    no_taker = built.run("benchmark", "fashion-mnist", "--delegate", "cpu", "--delegate-option", "a=1")
    assert no_taker.returncode == 2 and "edgetpu, npu, pool or a PATH" in " ".join(no_taker.stderr.split())


def test_the_doctor_finds_both(built: Copy) -> None:
    lines = built.run("doctor").stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("delegate pool")]
    assert line.split() == ["delegate", "pool", "ok", LIBRARY]
    assert any(line.startswith("runtime") and "nightly" in line for line in lines)


def test_an_unknown_delegate_is_told_of_the_new_one(copy: Copy) -> None:
    refused = copy.run("verify", "fashion-mnist", "--delegate", "tpu")
    known = f"known: {', '.join(ACCELERATORS)}, pool,"
    assert refused.returncode == 2 and known in " ".join(refused.stderr.split())


def test_the_runtime_classifies(copy: Copy) -> None:
    done = copy.run("classify", "fashion-mnist", shoe(), "--runtime", "nightly")
    assert done.returncode == 0 and ": Sneaker " in done.stdout, done.stderr


def test_the_source_gives_frames(copy: Copy, tmp_path: Path) -> None:
    ImageOps.invert(Image.open(shoe()).convert("L")).save(tmp_path / "shoe.png")
    done = copy.run("classify", "fashion-mnist", "--source", f"negatives:{tmp_path}")
    assert done.returncode == 0 and "shoe.png: Sneaker " in done.stdout, done.stderr
    watched = copy.run("live", "fashion-mnist", "--source", f"negatives:{tmp_path}", "--no-page", "--consecutive", "1")
    assert "Sneaker" in watched.stdout, watched.stderr
    for command in ("classify", "live"):
        assert f"negatives:FOLDER|{METAVAR}" in copy.run(command, "--help").stdout


def test_the_method_explains(copy: Copy) -> None:
    done = copy.run("explain", "fashion-mnist", shoe(), "--method", "centre", "--npz", "--output", "why")
    assert done.returncode == 0 and "centre: Sneaker " in done.stdout and "brightness" in done.stdout, done.stderr
    with np.load(copy.folder.parent / "why" / "explanations.npz") as arrays:
        assert arrays["heat_maps"][0, 13, 13] == arrays["heat_maps"].max()
    assert "centre: say that the middle matters" in " ".join(copy.run("explain", "--help").stdout.split())
