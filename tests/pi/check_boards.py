"""The project's own wheel on emulated Raspberry Pis: the same classifier there, to the bit where that can be.

Run by `make test-pi`; its name keeps it out of the other tests, which need no emulator.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn.convert import Conversion
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Session
from edgecnn.model_file.bundled import sample_images
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.pixels.dataset import Dataset
from tests.pi.board_tests import OPTIONS, ROOT, TESTS, copy_tests
from tests.pi.boards import BOARDS, Lab

COUNT = 256

# Run on a board and here: all kernels on the same images.
ANSWERS = """
import sys, numpy as np
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Session
images = np.load(sys.argv[1])
packed = read_packed("fashion-mnist")
for kernels in ("default", "reference"):
    session = Session(packed, RunOptions(kernels=kernels))
    answers = session.run_all(images, packed.card.input, session.outputs[PROBABILITIES])
    np.save(f"{sys.argv[2]}-{kernels}.npy", answers)
"""


# Run on a board and here: what the preprocessing makes of files.
PIXELS = """
import sys, numpy as np
from edgecnn import InputSpec
from edgecnn.pixels.preprocessing import prepare_source
specs = {
    channels: InputSpec(28, 28, channels, colour, "pad", "bilinear", (1.0,) * channels, (0.0,) * channels, "dark")
    for channels, colour in ((1, "grayscale"), (3, "rgb"))
}
pixels = {f"{path}, {n}": prepare_source(path, spec).pixels for path in sys.argv[2:] for n, spec in specs.items()}
np.savez(sys.argv[1], **pixels)
"""


def write_files(folder: Path) -> list[str]:
    """One picture in every kind of file that cameras and programs write, losses of compression included."""
    rows, columns = np.mgrid[:301, :413]
    waves = [127 + 100 * np.sin(columns / (9 + channel)) * np.cos(rows / (11 - channel)) for channel in range(4)]
    noise = np.random.default_rng(0).normal(0, 8, (301, 413, 4))
    rgba = Image.fromarray((np.stack(waves, axis=-1) + noise).clip(0, 255).astype(np.uint8))
    rgb, gray = rgba.convert("RGB"), rgba.convert("L")
    deep = Image.fromarray(np.asarray(gray).astype(np.uint16) * 257)
    pictures: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("colour.jpg", rgb, {"quality": 75}), ("fine.jpg", rgb, {"quality": 95, "subsampling": 0}),
        ("progressive.jpg", rgb, {"progressive": True}), ("gray.jpg", gray, {}),
        ("print.jpg", rgb.convert("CMYK"), {}), ("colour.png", rgb, {}), ("alpha.png", rgba, {}),
        ("palette.png", rgb.quantize(40), {"transparency": 3}), ("deep.png", deep, {}),
        ("ink.png", gray.convert("1"), {}), ("lossy.webp", rgba, {}), ("exact.webp", rgba, {"lossless": True}),
        ("web.gif", rgb.quantize(200), {"transparency": 5}), ("windows.bmp", rgb, {}),
        ("lzw.tif", rgba, {"compression": "tiff_lzw"}), ("scan.tif", gray.convert("1"), {"compression": "group4"}),
        ("print.tif", rgb.convert("CMYK"), {}), ("game.tga", rgba, {}), ("film.jp2", rgb, {}),
        ("film-lossy.jp2", rgb, {"irreversible": True, "quality_layers": [40]}), ("old.ppm", rgb, {}),
    ]  # fmt: skip
    for name, picture, settings in pictures:
        picture.save(folder / name, **settings)
    return [str(folder / name) for name, _, _ in pictures]


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Where the boards are; $EDGECNN_PI keeps them for the next time."""
    folder = Path(os.environ.get("EDGECNN_PI") or tmp_path_factory.mktemp("pi"))
    folder.mkdir(parents=True, exist_ok=True)
    return Lab(folder.absolute())


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="session")
def built(lab: Lab, wheel: Path) -> Iterator["Future[None]"]:
    """Done when the boards are set up, which is waiting for downloads in part: meanwhile there is other work."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(lab.build, BOARDS, wheel)


@pytest.fixture(params=list(BOARDS))
def board(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def images(fashion: Dataset, lab: Lab) -> Path:
    path = lab.folder / "images.npy"
    np.save(path, np.asarray(fashion.test.images[:COUNT]))
    return path


def on(lab: Lab, board: str, *arguments: str | Path) -> str:
    done = lab.run(board, *map(str, arguments))
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_the_doctor_knows_the_board(board: str, lab: Lab) -> None:
    checks = {check["name"]: check for check in json.loads(on(lab, board, "-m", "edgecnn", "doctor", "--json"))}
    assert checks["board"]["found"] == BOARDS[board].model
    assert ("no 8-bit dot products" in checks["processor"]["found"]) == (board != "pi5")
    assert checks["runtime"]["found"] == ("tflite-runtime 2.14.0" if board == "pi2" else "litert 2.3.0")


def test_verify_passes(board: str, lab: Lab) -> None:
    result = json.loads(on(lab, board, "-m", "edgecnn", "verify", "fashion-mnist", "--json"))
    assert result["passed"] and result["preprocessing_equal"] and result["top1_equal"] == result["probes"]


def test_samples_are_classified_as_here(board: str, lab: Lab) -> None:
    samples = [str(path) for path in sample_images()]
    there = json.loads(on(lab, board, "-m", "edgecnn", "classify", "fashion-mnist", *samples, "--json"))
    command = [sys.executable, "-m", "edgecnn", "classify", "fashion-mnist", *samples, "--json"]
    here = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert [row["predictions"][0]["label"] for row in there] == [row["predictions"][0]["label"] for row in here]


def test_every_kind_of_file_becomes_the_same_pixels(board: str, lab: Lab, tmp_path: Path) -> None:
    files = write_files(tmp_path)
    on(lab, board, "-c", PIXELS, tmp_path / "there.npz", *files)
    subprocess.run([sys.executable, "-c", PIXELS, str(tmp_path / "here.npz"), *files], check=True, timeout=300)
    with np.load(tmp_path / "there.npz") as there, np.load(tmp_path / "here.npz") as here:
        assert len(there.files) == len(here.files) == 2 * len(files)
        different = [name for name in here.files if not np.array_equal(here[name], there[name])]
    assert different == []


def test_feature_maps_are_drawn(board: str, lab: Lab, tmp_path: Path) -> None:
    shoe = next(path for path in sample_images() if "sneaker" in path.name)
    arguments = ("fashion-mnist.activations", shoe, "--filter", "19", "--npz", "--output", tmp_path)
    on(lab, board, "-m", "edgecnn", "features", *arguments)
    assert (tmp_path / "filter-19.png").stat().st_size > 5000
    with np.load(tmp_path / "features.npz") as maps:
        assert maps["conv2d"].shape == (1, 26, 26, 64)


def test_256_test_images_are_answered_as_here(
    board: str, lab: Lab, images: Path, fashion: Dataset, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    on(lab, board, "-c", ANSWERS, images, tmp_path / "there")
    packed = read_packed("fashion-mnist")
    assert packed.card
    if board == "pi2":
        python = request.getfixturevalue("old_python")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [str(python), "-c", ANSWERS, str(images), str(tmp_path / "here")]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=300)
        here = {kernels: np.load(tmp_path / f"here-{kernels}.npy") for kernels in ("default", "reference")}
    else:
        here = {}
        for kernels in ("default", "reference"):
            session = Session(packed, RunOptions(kernels=kernels))
            here[kernels] = session.run_all(
                fashion.test.images[:COUNT], packed.card.input, session.outputs[PROBABILITIES]
            )
    there = {kernels: np.load(tmp_path / f"there-{kernels}.npy") for kernels in ("default", "reference")}
    # The same C++ on the same integers: equal on every processor.
    np.testing.assert_array_equal(there["reference"], here["reference"])
    # Fast kernels round as their processor likes: 1/256 was seen.
    assert np.abs(there["default"].astype(int) - here["default"].astype(int)).max() <= 2
    assert (there["default"].argmax(axis=1) == here["default"].argmax(axis=1)).all()


@pytest.fixture(scope="session", autouse=True)
def reports(
    built: "Future[None]", lab: Lab, int8: Conversion, float32: Conversion, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, "Future[subprocess.CompletedProcess[str]]"]]:
    """The device's tests on every board, one a processor; they begin first, and the tests here run beside them."""
    folder = tmp_path_factory.mktemp("there")
    copy_tests(folder, (int8, float32))
    built.result()

    def run(board: str) -> "subprocess.CompletedProcess[str]":
        pytest_here = ("-m", "pytest", "-ra", "-p", "no:cacheprovider", f"--basetemp={folder / board}")
        arguments = (*pytest_here, *OPTIONS, *TESTS[board])
        variables = {"EDGECNN_CONVERTED": str(folder)}
        return lab.run(board, *arguments, folder=folder, variables=variables, timeout_s=3600)

    with ThreadPoolExecutor(max(2, min(len(TESTS), os.cpu_count() or 1))) as pool:
        yield {board: pool.submit(run, board) for board in TESTS}


def test_the_device_tests_pass(board: str, reports: dict[str, "Future[subprocess.CompletedProcess[str]]"]) -> None:
    done = reports[board].result()
    print(done.stdout[-20000:])
    assert done.returncode == 0, done.stderr[-2000:]
