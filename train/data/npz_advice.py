"""What is wrong with the arrays in a .npz file, and the line of code that makes them right."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DataError

from .folder_layout import split_of

_WHITES = (1023, 4095, 16383, 65535)  # of cameras and files of 10, 12, 14 and 16 bits
KEYS = ("x_train", "y_train", "x_test", "y_test")
_MAX_CLASSES = 65_536
_LABEL_WORDS = frozenset(("y", "label", "labels", "target", "targets", "class", "classes"))


def require_keys(path: Path, keys: Sequence[str]) -> None:
    """Make sure that the four arrays are there.

    Raises:
        DataError: they are not; with the line that saves them under their names, where others say which is which.
    """
    missing = [key for key in KEYS if key not in keys]
    if not missing:
        return
    meant = {meaning: key for key in keys if (meaning := _meaning(key)) in KEYS}
    if len(meant) == len(KEYS):
        advice = ", ".join(f"{key}=a[{meant[key]!r}]" for key in KEYS)
        advice = f"save it again: a = numpy.load({path.name!r}); numpy.savez({'new-' + path.name!r}, {advice})"
    else:
        advice = f"it must hold {', '.join(KEYS)}: save it with numpy.savez"
    names = ", ".join(keys[:8]) + (", …" if len(keys) > 8 else "")
    raise DataError(f"{path} has no array {missing[0]!r} but {names or 'none'}; {advice}")


def require_images(path: Path, key: str, images: npt.NDArray[Any]) -> None:
    """Make sure that `images` is uint8 (images, height, width[, channels]).

    Raises:
        DataError: it is not.
    """
    problem = f"{path} must hold uint8 images (images, height, width[, channels]). Received: {key} "
    problem += f"{images.dtype} {images.shape}"
    if images.ndim not in (3, 4) or not images.size:
        raise DataError(f"{problem}; reshape it to that" if images.size else f"{problem}, which is empty")
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        raise DataError(f"{problem}, channels first; put them last: {key}.transpose(0, 2, 3, 1)")
    if images.ndim == 4 and images.shape[3] not in (1, 3, 4):
        raise DataError(f"{problem}, of {images.shape[3]} channels; save one, gray, or three, red, green and blue")
    if images.dtype != np.uint8:
        raise DataError(f"{problem}{_values_advice(key, images)}")


def require_labels(path: Path, key: str, labels: npt.NDArray[Any], count: int) -> None:
    """Make sure that `labels` holds one class index from 0 for each of `count` images.

    Raises:
        DataError: it does not.
    """
    if labels.ndim == 2 and labels.shape[0] == count and labels.shape[1] > 1 and labels.dtype.kind in "biuf":
        numbers = labels.astype(np.float64)
        if np.isin(numbers, (0, 1)).all() and (numbers.sum(axis=1) == 1).all():
            advice = f"save {key}.argmax(axis=1)"
            raise DataError(f"{path} must hold class indices. Received: {key} {labels.shape}, one-hot labels; {advice}")
        raise DataError(
            f"{path} must hold one class index for each image. Received: {key} {labels.shape}, several numbers "
            "an image that are not one-hot labels: probabilities, or several labels an image, are not trained on"
        )
    if labels.size != count:
        raise DataError(
            f"{path} must hold images and a label for each. Received: {count:,} images and {key} {labels.shape}"
        )
    received = f"{path} must hold class indices from 0 to {_MAX_CLASSES - 1}. Received: {key} of {labels.dtype}"
    if labels.dtype.kind in "US":
        raise DataError(
            f"{received}, names; save numbers, numpy.searchsorted(labels, {key}), and labels too: "
            "labels = numpy.unique(y_train)"
        )
    if labels.dtype.kind == "f" and np.array_equal(labels, np.round(labels.astype(np.float64))):
        raise DataError(f"{received}; they are whole numbers, save {key}.astype('int64')")
    if labels.dtype.kind == "b":
        raise DataError(f"{received}; save {key}.astype('int64')")
    if labels.dtype.kind not in "iu":
        raise DataError(received)
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= _MAX_CLASSES:
        raise DataError(f"{received} from {least} to {most}")
    if least > 0:
        raise DataError(
            f"{path} has no image of class 0 in {key}, whose labels are from {least} to {most}; add some, or, if "
            f"classes are counted from {least}, save {key} - {least}"
        )


def _meaning(key: str) -> str:
    """Which of `KEYS` another name stands for, `x_train` for `train_images`; empty where it does not say."""
    split = split_of(key)
    words = set(re.findall(r"[a-z]+", key.lower()))
    if not split or split[0] == "validation":
        return ""
    return f"{'y' if words & _LABEL_WORDS else 'x'}_{split[0]}"


def _values_advice(key: str, images: npt.NDArray[Any]) -> str:
    if images.dtype.kind == "b":
        return f"; save {key}.astype('uint8') * 255"
    if images.dtype.kind not in "iuf":
        return ""
    low, high = (float(value) for value in (images.min(), images.max()))
    whole = f" from {low:g} to {high:g}"
    if images.dtype.kind in "iu":
        return f"{whole}{_integers_advice(key, low, high)}"
    if low >= 0 and high <= 1:
        return f"{whole}; save ({key} * 255).round().astype('uint8')"
    if low >= -1 and high <= 1:
        return f"{whole}; if -1 is black and 1 is white, save (({key} + 1) * 127.5).round().astype('uint8')"
    if low >= 0 and high <= 255:
        return f"{whole}; save {key}.round().astype('uint8')"
    return f"{whole}, which does not say what is black and what is white; save the pixels before they were normalized"


def _integers_advice(key: str, low: float, high: float) -> str:
    if low >= -128 and low < 0 and high <= 127:
        return f"; if -128 is black and 127 is white, save ({key}.astype('int16') + 128).astype('uint8')"
    if low >= 0 and high <= 255:
        return f"; save {key}.astype('uint8')"
    white = next((white for white in _WHITES if high <= white), 0)
    if low < 0 or not white:
        return ", which does not say what is black and what is white; save the pixels as the camera gave them"
    return f"; if {white} is white, save ({key} * (255 / {white})).round().astype('uint8')"
