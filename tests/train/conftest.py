"""Trainings that several tests look at: each is trained once."""

import dataclasses
from pathlib import Path

import pytest

from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun, train
from tests.support.shared import once
from tests.support.trainings import EVERYTHING, SEED, Interrupting


@pytest.fixture(scope="session")
def tiny(fashion: Dataset) -> Dataset:
    """600 training and 200 test images."""
    return dataclasses.replace(fashion, train=fashion.train.take(600), test=fashion.test.take(200))


@pytest.fixture(scope="session")
def uninterrupted(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """A training with everything that a checkpoint must hold."""

    def make(folder: Path) -> TrainingRun:
        return train(folder / "run", tiny, recipe=EVERYTHING, seed=SEED)

    return once(tmp_path_factory, "whole", make)


@pytest.fixture(scope="session")
def interrupted(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """The same, stopped by Ctrl-C in its second epoch, and when it went on in its third; for tests that copy it."""

    def make(folder: Path) -> TrainingRun:
        first = train(folder / "run", tiny, recipe=EVERYTHING, seed=SEED, progress=Interrupting(2, 1))
        assert first.interrupted and len(first.history) == 1
        run = train(first.path, tiny, recipe=EVERYTHING, seed=SEED, resume=True, progress=Interrupting(3, 5))
        assert run.interrupted
        return run

    return once(tmp_path_factory, "stopped", make)
