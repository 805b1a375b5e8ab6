"""A part of a data set in a file for `--data`."""

from pathlib import Path
from typing import Any

import numpy as np

from edgecnn.pixels.dataset import Dataset


def save_some(path: Path, dataset: Dataset, train_images: int, test_images: int) -> Path:
    """Write so many images, of every class as many, to `path`, a .npz file."""
    train_part, test_part = dataset.train.sample(train_images), dataset.test.sample(test_images)
    arrays: dict[str, Any] = {
        "x_train": np.asarray(train_part.images), "y_train": train_part.labels,
        "x_test": np.asarray(test_part.images), "y_test": test_part.labels,
        "labels": np.array(dataset.labels),
    }  # fmt: skip
    np.savez(path, **arrays)
    return path
