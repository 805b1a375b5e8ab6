"""A healthy int8 run, and how to break it."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.convert import Conversion
from edgecnn.model_file.container import pack_card, read_model
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun


@pytest.fixture(scope="session")
def some(small: Dataset) -> Dataset:
    """The data set of the run, with 300 test images: enough for what is wrong in the file."""
    return dataclasses.replace(small, test=small.test.take(300))


@pytest.fixture
def run(small_run: TrainingRun, int8: Conversion, tmp_path: Path) -> RunDirectory:
    """A healthy run with its int8 files, to be broken."""
    original = RunDirectory(small_run.path)
    assert int8.plain.path == original.tflite("int8")
    for path in (original.model, original.card, original.tflite("int8"), original.tflite("int8", activations=True)):
        shutil.copy(path, tmp_path)
    return RunDirectory(tmp_path)


def change_weights(run: RunDirectory, change: Callable[[dict[str, list[np.ndarray]]], None]) -> None:
    """Of the Keras model: `change` edits the weights of its layers, by name."""
    model = keras.models.load_model(run.model, compile=False)
    weights = {layer.name: layer.get_weights() for layer in model.layers}
    change(weights)
    for layer in model.layers:
        layer.set_weights(weights[layer.name])
    model.save(run.model)


def change_card(run: RunDirectory, change: Callable[[ModelCard], ModelCard]) -> None:
    """Of both int8 files."""
    for path in (run.tflite("int8"), run.tflite("int8", activations=True)):
        packed = read_model(path)
        assert packed.card and packed.golden
        path.write_bytes(pack_card(packed.flatbuffer, change(packed.card), packed.golden))
