"""Shared parts: the real data set, a small real training, its conversion, and the command line."""

import dataclasses
import os
import pickle
import subprocess
import sys
import venv
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from edgecnn.card import InputSpec, Scheme
from edgecnn.cli import main
from edgecnn.convert import Conversion, convert
from edgecnn.dataset import Dataset, Split
from edgecnn.train import TrainingRun, load_fashion_mnist, train


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command line did; `output` is what it wrote, to standard output and then to standard error."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


Run = Callable[..., Outcome]
# Where $EDGECNN_CONVERTED holds what was converted elsewhere: emulated Raspberry Pis are slow and have no TensorFlow.
ON_A_BOARD = "EDGECNN_CONVERTED" in os.environ


@pytest.fixture(scope="session")
def fashion() -> Dataset:
    """All of Fashion-MNIST."""
    return load_fashion_mnist()


@pytest.fixture(scope="session")
def small(fashion: Dataset) -> Dataset:
    """6,000 training and 1,000 test images: the real thing, but quick."""
    return dataclasses.replace(
        fashion, train=fashion.train.take(6000), test=Split(fashion.test.images[:1000], fashion.test.labels[:1000])
    )


@pytest.fixture(scope="session")
def small_run(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """A real training of four epochs."""
    pytest.importorskip("tensorflow")
    return train(tmp_path_factory.mktemp("run"), small, recipe="fast")


@pytest.fixture(scope="session")
def int8(request: pytest.FixtureRequest) -> Conversion:
    """The small run in int8, with its activations variant."""
    return converted("int8", request)


@pytest.fixture(scope="session")
def float32(request: pytest.FixtureRequest) -> Conversion:
    """The small run in float32, with its activations variant."""
    return converted("float32", request)


def converted(scheme: Scheme, request: pytest.FixtureRequest) -> Conversion:
    if ON_A_BOARD:
        made: Conversion = pickle.loads(Path(os.environ["EDGECNN_CONVERTED"], f"{scheme}.pickle").read_bytes())
        return made
    run = request.getfixturevalue("small_run")
    return convert(run.path, request.getfixturevalue("small"), scheme=scheme)


@dataclasses.dataclass(frozen=True)
class Foreign:
    """A Keras model that edgecnn did not train: file, labels, and photographs in class folders."""

    model: Path
    labels: Path
    photos: Path


def tinted(images: np.ndarray, seed: int) -> np.ndarray:
    """Grayscale images (count, height, width, 1) in colours of their own: uint8 (count, height, width, 3)."""
    tints = np.random.default_rng(seed).uniform(0.4, 1, (len(images), 1, 1, 3))
    return (images * tints).astype(np.uint8)


@pytest.fixture(scope="session")
def foreign(small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Foreign:
    """RGB, batch normalisation, residual, depthwise, a model in a model, pixels rescaled inside, logits."""
    keras = pytest.importorskip("keras")
    folder, layers = tmp_path_factory.mktemp("foreign"), keras.layers
    keras.utils.set_random_seed(0)
    inner = keras.Input((28, 28, 3))
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False, name="stem")(inner)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x)
    y = layers.Conv2D(16, 1, name="pointwise")(layers.ReLU()(layers.BatchNormalization()(y)))
    x = layers.MaxPooling2D(name="pool")(layers.Add()([x, y]))
    base = keras.Model(inner, layers.Conv2D(32, 3, activation="relu", name="last")(x), name="base")
    outer = keras.Input((28, 28, 3))
    z = base(layers.Rescaling(1 / 127.5, offset=-1)(layers.RandomFlip("horizontal")(outer)))
    logits = layers.Dense(10, name="logits")(layers.GlobalAveragePooling2D(name="gap")(z))
    model = keras.Model(outer, logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.004), loss=loss)
    model.fit(tinted(np.asarray(small.train.images), 0), small.train.labels, batch_size=64, epochs=4, verbose=0)
    model.save(folder / "tinted.keras")
    # In an order of its own, which is not that of the folders' names.
    (folder / "labels.txt").write_text("".join(f"{label.replace('/', ' or ')}\n" for label in small.labels))
    photos = small.test.take(400)
    for row, (pixels, label) in enumerate(zip(tinted(np.asarray(photos.images), 1), photos.labels, strict=True)):
        place = folder / "photos" / small.labels[label].replace("/", " or ")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{row:04}.png")
    return Foreign(folder / "tinted.keras", folder / "labels.txt", folder / "photos")


@pytest.fixture(scope="session")
def old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with tflite-runtime 2.14, which needs Python 3.11 and numpy below 2."""
    pytest.importorskip("tensorflow", reason="boards have one runtime")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("tflite-runtime 2.14 has no wheel for this Python")
    folder = tmp_path_factory.mktemp("old")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    packages = ("tflite-runtime==2.14.0", "numpy==1.26.4", "pillow", "click")
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    return python


@pytest.fixture(scope="session")
def with_project() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run this tree's command line with another Python: `with_project(python, "verify", path)`."""

    def run(python: Path, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        command = [str(python), "-m", "edgecnn", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    return run


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A real delegate, which takes MAX_POOL_2D and can be told to fail."""
    source = Path(__file__).with_name("device") / "pool_delegate.cc"
    path = tmp_path_factory.mktemp("delegate") / "pool_delegate.so"
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(path), str(source)]
    subprocess.run(command, check=True, timeout=300)
    return str(path)


@pytest.fixture(scope="session")
def edgecnn() -> Run:
    """Run a command line in this process: `edgecnn("verify", path)`."""

    def run(*arguments: str | Path, input: bytes | None = None) -> Outcome:
        # What click 8.1 must be asked for, later ones always do.
        apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
        result = CliRunner(**apart).invoke(main, [str(argument) for argument in arguments], input=input)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def commands() -> dict[str, click.Command]:
    """Every command of the command line by name, and the group itself as `edgecnn`."""
    context = click.Context(main, info_name="edgecnn")
    found: dict[str, click.Command] = {"edgecnn": main}
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None, name
        found[name] = command
    return found


@pytest.fixture
def spec() -> InputSpec:
    """The reference network's input."""
    return InputSpec(28, 28, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
