"""What people should know about their own images before they train on them."""

import re
from collections.abc import Callable

from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.printable import is_printable

from .duplicates import Thumbnails, find_duplicates

_SHOWN = 20  # a line or two on a terminal
_FEW = 500  # images of a class; a pretrained network does better with fewer (benchmarks/transfer.py)
_PHOTOGRAPH = 32  # pixels of the shorter side that a pretrained network needs at least


def require_trainable(dataset: Dataset, progress: Callable[[str], None]) -> None:
    """Refuse what cannot be trained on; tell `progress` of rare classes and of images in more than one split.

    Raises:
        DataError: labels that are not unique printable names, or a split without images of some class.
    """
    labels = dataset.labels
    if len(labels) < 2:
        raise DataError(f"{dataset.source} has one class only; a classifier needs two or more")
    if len(set(labels)) != len(labels) or not all(label and is_printable(label) for label in labels):
        raise DataError(
            f"{dataset.source}: class names must be unique and printable. Received: {', '.join(map(ascii, labels))}"
        )
    splits = {"train": dataset.train, "test": dataset.test}
    if dataset.validation:
        splits["validation"] = dataset.validation
    for name, split in splits.items():
        counts = split.count_classes(len(labels))
        if counts.min() == 0:
            raise DataError(f"the {name} images have none of class {labels[int(counts.argmin())]}; add some")
    _report_alike(labels, progress)
    _report_balance(dataset.train, labels, progress)
    _report_duplicates(splits, progress)


def describe_classes(dataset: Dataset) -> str:
    """The classes in words, with the number of training images of each; of many classes the first and the last."""
    counts = dataset.train.count_classes(len(dataset.labels))
    parts = [f"{label} {count:,}" for label, count in zip(dataset.labels, counts, strict=True)]
    if len(parts) > _SHOWN:
        parts = [*parts[: _SHOWN - 1], "…", parts[-1]]
    return f"{len(dataset.labels):,} classes and their training images: {', '.join(parts)}"


def note_few_images(dataset: Dataset, progress: Callable[[str], None]) -> None:
    """Say what helps where a class of photographs has too few for a network that starts from nothing."""
    fewest = int(dataset.train.count_classes(len(dataset.labels)).min())
    if fewest < _FEW and dataset.input.colour == "rgb" and min(dataset.input.shape[:2]) >= _PHOTOGRAPH:
        progress(
            f"{fewest:,} training images of a class are few to learn from: with --architecture mobilenet_v2 it starts "
            "from what a million photographs taught (Keras fetches that once), and 20 of a class may do"
        )


def _report_alike(labels: tuple[str, ...], progress: Callable[[str], None]) -> None:
    """Cat and cat, or hot_dog and hot dog, may be two classes, as A and a are; more often one was misspelled."""
    first: dict[str, str] = {}
    for label in labels:
        other = first.setdefault(re.sub(r"[\s_-]+", " ", label).strip().casefold(), label)
        if other != label:
            progress(
                f"warning: {other!r} and {label!r} are two classes, and differ in capitals, spaces or hyphens alone; "
                "if they are one, give them one name"
            )


def _report_balance(split: Split, labels: tuple[str, ...], progress: Callable[[str], None]) -> None:
    counts = split.count_classes(len(labels))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= 3 * counts[least]:
        progress(
            f"classes are unbalanced: {counts[most]:,} training images of {labels[most]}, {counts[least]:,} of "
            f"{labels[least]}; --class-weights gives them the same say"
        )


def _report_duplicates(splits: dict[str, Split], progress: Callable[[str], None]) -> None:
    """Tell `progress` how many images of validation and test are in the training split too, see `find_duplicates`."""
    training = Thumbnails.of(splits["train"].images)
    for name, split in splits.items():
        found = [] if name == "train" else find_duplicates(Thumbnails.of(split.images), training)
        if found:
            same = sum(one.is_exact for one in found)
            progress(
                f"{same} of {len(split):,} {name} images are training images too, {len(found) - same} more look like "
                f"one; {name} accuracy is flattered by them"
            )
