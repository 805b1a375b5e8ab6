"""What people should know about their own images before they train on them."""

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.arrays import Pixels
from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset, Images, Split

_SHOWN = 20  # a line or two on a terminal
_SIDE = 16  # 256 bits: images of equal hash look alike to people


def require_trainable(dataset: Dataset, progress: Callable[[str], None]) -> None:
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
        counts = split.count_classes(len(labels))
        if counts.min() == 0:
            raise DataError(f"the {name} images have none of class {labels[int(counts.argmin())]}; add some")
    _report_balance(dataset.train, labels, progress)
    _report_duplicates(splits, progress)


def describe_classes(dataset: Dataset) -> str:
    """The classes in words, with the number of training images of each; of many classes the first and the last."""
    counts = dataset.train.count_classes(len(dataset.labels))
    parts = [f"{label} {count:,}" for label, count in zip(dataset.labels, counts, strict=True)]
    if len(parts) > _SHOWN:
        parts = [*parts[: _SHOWN - 1], "…", parts[-1]]
    return f"{len(dataset.labels):,} classes and their training images: {', '.join(parts)}"


def _report_balance(split: Split, labels: tuple[str, ...], progress: Callable[[str], None]) -> None:
    counts = split.count_classes(len(labels))
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[most] >= 3 * counts[least]:
        progress(
            f"classes are unbalanced: {counts[most]:,} training images of {labels[most]}, {counts[least]:,} of "
            f"{labels[least]}; --class-weights gives them the same say"
        )


def _report_duplicates(splits: dict[str, Split], progress: Callable[[str], None]) -> None:
    """Tell `progress` how many images of validation and test are in the training split too.

    Exactly: the same prepared pixels. Nearly: the same difference hash (N. Krawetz, 2013) of 16 x 16 bits.
    """
    training = _hashes(splits["train"].images)
    for name, split in splits.items():
        if name == "train":
            continue
        same, alike = (int(np.isin(*pair).sum()) for pair in zip(_hashes(split.images), training, strict=True))
        if alike:
            progress(
                f"{same} of {len(split):,} {name} images are training images too, {alike - same} more look like one; "
                f"{name} accuracy is flattered by them"
            )


def _hashes(images: Images) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """64 bits of every image's pixels, and of its difference hash; among a million two agree by a chance of 1e-7."""
    exact, near = np.empty(len(images), np.uint64), np.empty(len(images), np.uint64)
    for row, image in enumerate(images):
        exact[row] = _digest(image.tobytes())
        near[row] = _digest(_difference_hash(image))
    return exact, near


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def _difference_hash(image: Pixels) -> bytes:
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).convert("L")
    gray = np.asarray(picture.resize((_SIDE + 1, _SIDE), Image.Resampling.BILINEAR)).astype(np.int16)
    # A flat image has no differences; its level tells it from other flat ones.
    return np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes() + bytes([int(gray.mean()) // 8])
