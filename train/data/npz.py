"""A data set in one .npz file, as Keras' own data sets are kept."""

import io
import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import prepare_array
from edgecnn.printable import composed

from .digest import digest_splits
from .image_store import store_images
from .npz_advice import KEYS, require_images, require_keys, require_labels

_DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_npz(path: Path, spec_for: Callable[[int, int, bool], InputSpec]) -> Dataset:
    """Load `path`: x_train and x_test, uint8 (images, height, width[, channels]); y_train and y_test, class indices.

    An array `labels` names the classes; without one they are called by their index. The whole file must fit in memory.

    Args:
        path: of the file.
        spec_for: from height, width and whether they have colours to what the images are turned into.

    Raises:
        DataError: missing, damaged, or not these arrays.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror}); check the path") from None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            require_keys(path, arrays.files)
            x_train, y_train, x_test, y_test = (np.asarray(arrays[key]) for key in KEYS)
            names = _names(arrays["labels"]) if "labels" in arrays else None
    except _DAMAGED as error:
        if str(error).startswith("Object arrays"):
            raise DataError(
                f"{path} holds an array of Python objects, which are not read, for they may hold code; save names with "
                ".astype(str), and images of one size with numpy.stack"
            ) from None
        raise DataError(f"{path} does not read as a .npz file ({error}); save it with numpy.savez") from None
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        require_images(path, f"x_{part}", x)
        require_labels(path, f"y_{part}", y, len(x))
        if x.ndim == 4 and x.shape[3] == 4:
            raise DataError(f"{path}: four channels do not say which is which; save three, red, green and blue")
    if _size(x_train) != _size(x_test):
        raise DataError(
            f"{path} must hold images of one size and kind. Received: x_train {x_train.shape} and x_test "
            f"{x_test.shape}; make the test images as the training images were made"
        )
    spec = spec_for(x_train.shape[1], x_train.shape[2], x_train.ndim == 4 and x_train.shape[3] > 1)
    splits = [
        Split(
            store_images((prepare_array(image, spec).pixels for image in x), spec.shape), y.reshape(-1).astype(np.int64)
        )
        for x, y in ((x_train, y_train), (x_test, y_test))
    ]
    classes = 1 + max(int(split.labels.max()) for split in splits)
    labels = tuple(names or map(str, range(classes)))
    if len(labels) < max(2, classes):
        raise DataError(
            f"{path} names {len(labels)} labels for {classes} classes; there must be two or more, all named"
        )
    return Dataset(path.stem, labels, spec, splits[0], splits[1], digest_splits(labels, splits), f"file {path}")


def _names(labels: npt.NDArray[Any]) -> list[str]:
    if labels.dtype.kind == "S":  # bytes
        labels = np.char.decode(labels, "utf-8")
    return [composed(str(name)) for name in labels.reshape(-1)]


def _size(images: npt.NDArray[np.uint8]) -> tuple[int, ...]:
    """Height, width and channels."""
    return (*images.shape[1:], 1)[:3]
