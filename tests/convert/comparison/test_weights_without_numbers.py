"""A file whose weights are infinite, or no numbers, is refused by the names of its layers, whatever else is wrong."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.convert import Conversion, parity
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun
from tests.support.planted import Change, plant


@pytest.fixture
def run_of_floats(small_run: TrainingRun, float32: Conversion, tmp_path: Path) -> RunDirectory:
    """A healthy run with its float32 files, to be broken."""
    original = RunDirectory(small_run.path)
    assert float32.plain.path == original.tflite("float32")
    files = (original.tflite("float32"), original.tflite("float32", activations=True))
    for path in (original.model, original.card, *files):
        shutil.copy(path, tmp_path)
    return RunDirectory(tmp_path)


def one_place(weights: np.ndarray, _: np.ndarray) -> None:
    weights[5, 1, 1] = np.nan


def one_bias(_: np.ndarray, biases: np.ndarray) -> None:
    biases[7] = -np.inf


def among_many_faults(weights: np.ndarray, biases: np.ndarray) -> None:
    """Of more kinds than a sentence names."""
    weights[20, 2, 0] = np.nan
    weights[0] = weights[0, ::-1]
    weights[1] = weights[1, :, ::-1]
    weights[2] *= -1
    weights[3] = 0
    weights[4] *= 3
    weights[5] = weights[6]
    biases[8] += 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (one_place, "channel 5 is not finite in 64 of 576 weights"),
        (one_bias, "the bias of channel 7 is not finite"),
        (among_many_faults, "channel 20 is not finite in 64 of 576 weights"),
    ],
)
def test_they_are_refused(change: Change, words: str, run_of_floats: RunDirectory, some: Dataset) -> None:
    plant(run_of_floats, "float32", 1, change)
    sentence = rf"model\.float32\.tflite has weights that are no numbers \(conv2d_1: {words}\); convert the run again$"
    with pytest.raises(ModelFileError, match=sentence):
        parity(run_of_floats.path, some, scheme="float32")
