"""A converted network as a flatbuffer, and how to change it."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert import convert
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun


def changed(flatbuffer: bytes, change: Callable[[Any], None]) -> bytes:
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))
    change(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


@pytest.fixture(scope="module")
def flatbuffer(small_run: TrainingRun, small: Dataset, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    some = dataclasses.replace(small, test=small.test.take(20))
    made = convert(small_run.path, some, output=tmp_path_factory.mktemp("plain"), activations=False)
    return read_model(made.plain.path).flatbuffer
