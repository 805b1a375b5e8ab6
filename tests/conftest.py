"""Shared parts: the real data set, a small real training, its conversion, and the command line."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgecnn.card import InputSpec
from edgecnn.cli import main
from edgecnn.convert import Conversion, convert
from edgecnn.dataset import Dataset, Split
from edgecnn.train import TrainingRun, load_fashion_mnist, train

Run = Callable[..., Result]


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
    return train(tmp_path_factory.mktemp("run"), small, recipe="fast")


@pytest.fixture(scope="session")
def int8(small_run: TrainingRun, small: Dataset) -> Conversion:
    """The small run in int8, with its activations variant."""
    return convert(small_run.path, small, scheme="int8")


@pytest.fixture(scope="session")
def float32(small_run: TrainingRun, small: Dataset) -> Conversion:
    """The small run in float32, with its activations variant."""
    return convert(small_run.path, small, scheme="float32")


@pytest.fixture
def edgecnn() -> Run:
    """Run a command line in this process: `edgecnn("verify", path)`."""

    def run(*arguments: str | Path, input: bytes | None = None) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], input=input)

    return run


@pytest.fixture
def spec() -> InputSpec:
    """The reference network's input."""
    return InputSpec(28, 28, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
