"""What people should know about their own images before they train on them."""

import collections
import re
from collections.abc import Callable

from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.printable import is_printable

from ..backbones import find_backbone
from .duplicates import Thumbnails, find_duplicates

_SHOWN = 20  # a line or two on a terminal
_FEW = 500  # images of a class; a pretrained network does better with fewer (benchmarks/transfer.py)
_PHOTOGRAPH = 32  # pixels of the shorter side that a pretrained network needs at least


def require_trainable(dataset: Dataset, progress: Callable[[str], None]) -> None:
    """Refuse what cannot be trained on; tell `progress` of rare classes, and of images in more than one split or class.

    Raises:
        DataError: labels that are not unique printable names, or a split without images of some class.
    """
    labels = dataset.labels
    if len(labels) < 2:
        raise DataError(f"{dataset.source} has one class only; a classifier needs two or more")
    counted = collections.Counter(labels)
    refused = [name for name in counted if counted[name] > 1 or not name.strip() or not is_printable(name)]
    if refused:
        raise DataError(
            f"{dataset.source}: class names must be unique and printable; give others. Received: "
            f"{', '.join(repr(name) for name in refused[:_SHOWN])}"
        )
    splits = {"training": dataset.train, "test": dataset.test}
    if dataset.validation:
        splits["validation"] = dataset.validation
    for name, split in splits.items():
        counts = split.count_classes(len(labels))
        if counts.min() == 0:
            raise DataError(f"the {name} images have none of class {labels[int(counts.argmin())]}; add some")
    _report_alike(labels, progress)
    _report_balance(dataset.train, labels, progress)
    looks = {name: Thumbnails.of(split.images) for name, split in splits.items()}
    _report_duplicates(splits, looks, progress)
    _report_two_classes(splits, looks, labels, progress)


def describe_classes(dataset: Dataset) -> str:
    """The classes in words, with the number of training images of each; of many classes the first and the last."""
    counts = dataset.train.count_classes(len(dataset.labels))
    parts = [f"{label} {count:,}" for label, count in zip(dataset.labels, counts, strict=True)]
    if len(parts) > _SHOWN:
        parts = [*parts[: _SHOWN - 1], "…", parts[-1]]
    return f"{len(dataset.labels):,} classes and their training images: {', '.join(parts)}"


def note_few_images(dataset: Dataset, architecture: str, progress: Callable[[str], None]) -> None:
    """Say what helps where a class of photographs has too few for a network that starts from nothing."""
    start = "without --weights none" if find_backbone(architecture) else "with --architecture mobilenet_v2"
    fewest = int(dataset.train.count_classes(len(dataset.labels)).min())
    if fewest < _FEW and dataset.input.colour == "rgb" and min(dataset.input.shape[:2]) >= _PHOTOGRAPH:
        progress(
            f"{fewest:,} training images of a class are few to learn from: {start} it starts from what a million "
            "photographs taught (Keras fetches that once), and 20 of a class may do"
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
            f"{labels[least]}; --class-weights of edgecnn train gives them the same say"
        )


def _report_duplicates(splits: dict[str, Split], looks: dict[str, Thumbnails], progress: Callable[[str], None]) -> None:
    """Tell `progress` how many images of validation and test are in the training split too, see `find_duplicates`."""
    for name, split in splits.items():
        found = [] if name == "training" else find_duplicates(looks[name], looks["training"])
        if found:
            same = sum(one.is_exact for one in found)
            flattering = any(split.labels[one.row] == splits["training"].labels[one.other] for one in found)
            progress(
                f"{same} of {len(split):,} {name} images are training images too, {len(found) - same} more look like "
                f"one; {f'{name} accuracy is flattered by them' if flattering else 'there they are of another class'}"
            )


def _report_two_classes(
    splits: dict[str, Split], looks: dict[str, Thumbnails], labels: tuple[str, ...], progress: Callable[[str], None]
) -> None:
    """Tell `progress` which images lie in two classes, in whatever splits: one of the labels is wrong."""
    first: dict[bytes, tuple[str, str]] = {}
    twins = []
    for name, split in splits.items():
        for row, digest in enumerate(looks[name].digests):
            here = (labels[split.labels[row]], split.name_of(row, name))
            there = first.setdefault(digest, here)
            if there[0] != here[0]:
                twins.append((there, here))
    if twins:
        (one, image), (other, copy) = twins[0]
        progress(
            f"warning: {len(twins):,} images have the same pixels as one of another class, such as {copy} of {other} "
            f"and {image} of {one}; one of two such labels is wrong"
        )
