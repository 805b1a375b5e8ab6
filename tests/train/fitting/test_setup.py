"""What a training is set up from: the arithmetic that recipe and processor agree on, and the say of each class."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.run_directory import RunDirectory
from edgecnn.train.recipes import RECIPES

pytest.importorskip("keras")

from edgecnn.train.devices.processor import Processor
from edgecnn.train.fitting.setup import TrainingSetup, balance_classes


def images(*labels: int) -> Split:
    return Split(np.zeros((len(labels), 2, 2, 1), np.uint8), np.array(labels, np.int64))


SPEC = InputSpec(2, 2, 1, "grayscale", "stretch", "bilinear", (1.0,), (0.0,), "any")
DATASET = Dataset("d", ("ant", "bee", "wasp", "fly"), SPEC, images(0, 0, 0, 1, 1, 3), images(0), "0" * 64, "here")


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("able", [False, True])
def test_bfloat16_is_computed_where_it_is_asked_for_and_the_processor_multiplies_it(asked: bool, able: bool) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], bfloat16=asked)
    processor = Processor("CPU (Example 1)", gpu=False, bfloat16=able)
    setup = TrainingSetup(DATASET, "baseline", recipe, 0, processor, RunDirectory(Path("run")))
    assert setup.bfloat16 is (asked and able)


def test_every_class_with_images_has_the_same_say() -> None:
    weights = balance_classes(DATASET)
    assert weights.dtype == np.float32 and weights[[0, 1, 3]].tolist() == [0.5, 0.75, 1.5]  # 6 / (4 * 3), 6 / (4 * 2)
