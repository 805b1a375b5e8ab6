"""A small training on data with planted faults, and its report."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import RECIPES, TrainingRun, train
from edgecnn.train.recipes import change_recipe
from tests.support.shared import once

Rows = npt.NDArray[np.int64]
HOSTILE = "</td><script>alert(1)</script>"


@dataclass(frozen=True)
class Planted:
    """A data set with wrong labels at these rows, and what was trained on it."""

    dataset: Dataset
    run: TrainingRun
    train_rows: Rows
    test_rows: Rows


def mislabelled(split: Split, count: int) -> tuple[Split, Rows]:
    """The split with the labels of `count` images changed."""
    generator, labels = np.random.default_rng(7), split.labels.copy()
    rows = generator.choice(len(labels), count, replace=False)
    labels[rows] = (labels[rows] + generator.integers(1, 10, count)) % 10
    return Split(split.images, labels), rows


@pytest.fixture(scope="session")
def planted(fashion: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """1,000 training and 300 test images, one in twenty with a wrong label; test image 0 is training image 9."""
    pytest.importorskip("tensorflow")

    def make(folder: Path) -> Planted:
        training, train_rows = mislabelled(fashion.train.sample(1000), 50)
        test, test_rows = mislabelled(fashion.test.sample(300), 15)
        images = np.array(test.images)
        images[0] = training.images[9]
        labels = (HOSTILE, *fashion.labels[1:])
        split = dataclasses.replace(test, images=images)
        dataset = dataclasses.replace(fashion, labels=labels, train=training, test=split, name="planted")
        recipe = change_recipe(RECIPES["notebook"], batch_size=50, epochs=5)
        run = train(folder / "run", dataset, recipe=recipe)
        return Planted(dataset, run, train_rows, test_rows)

    return once(tmp_path_factory, "planted-labels", make)
