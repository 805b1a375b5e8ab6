"""What people should know about their own images before they train on them."""

from collections.abc import Callable

import numpy as np

from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset, Split

from .duplicates import report_duplicates


def check(dataset: Dataset, progress: Callable[[str], None]) -> None:
    """Refuse what cannot be trained on; tell `progress` of rare classes and of images in more than one split.

    Raises:
        DataError: labels that are not unique printable names, or a split without images of some class.
    """
    labels = dataset.labels
    if len(labels) < 2:
        raise DataError(f"{dataset.source} has one class only; a classifier needs two or more")
    if len(set(labels)) != len(labels) or not all(label and label.isprintable() for label in labels):
        raise DataError(
            f"{dataset.source}: class names must be unique and printable. Received: {', '.join(map(ascii, labels))}"
        )
    splits = {"train": dataset.train, "test": dataset.test}
    if dataset.validation:
        splits["validation"] = dataset.validation
    for name, split in splits.items():
        counts = np.bincount(split.labels, minlength=len(labels))
        if counts.min() == 0:
            raise DataError(f"the {name} images have none of class {labels[int(counts.argmin())]}; add some")
    _report_balance(dataset.train, labels, progress)
    report_duplicates(splits, progress)


def _report_balance(split: Split, labels: tuple[str, ...], progress: Callable[[str], None]) -> None:
    counts = np.bincount(split.labels, minlength=len(labels))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= 3 * counts[least]:
        progress(
            f"classes are unbalanced: {counts[most]:,} training images of {labels[most]}, {counts[least]:,} of "
            f"{labels[least]}; --class-weights gives them the same say"
        )
