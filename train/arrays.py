"""A data set in one .npz file, as Keras' own data sets are kept."""

import hashlib
import io
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from edgecnn.card import InputSpec
from edgecnn.dataset import Dataset, Split
from edgecnn.errors import DataError
from edgecnn.preprocessing import prepare_array

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
KEYS = ("x_train", "y_train", "x_test", "y_test")


def load(path: Path, spec: InputSpec) -> Dataset:
    """Load `path`: x_train and x_test, uint8 (images, height, width[, channels]); y_train and y_test, class indices.

    An array `labels` names the classes; without one they are called by their index.

    Raises:
        DataError: missing, damaged, or not these arrays.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            x_train, y_train, x_test, y_test = (np.asarray(arrays[key]) for key in KEYS)
            names = [str(name) for name in arrays["labels"]] if "labels" in arrays else None
    except KeyError as error:
        raise DataError(f"{path} has no array {error}; it must hold {', '.join(KEYS)}") from None
    except _DAMAGED as error:
        raise DataError(f"{path} does not read as a .npz file ({error}); save it with numpy.savez") from None
    splits = [_split(path, x, y, spec) for x, y in ((x_train, y_train), (x_test, y_test))]
    classes = 1 + max(int(split.labels.max()) for split in splits)
    labels = tuple(names or map(str, range(classes)))
    if len(labels) < max(2, classes):
        raise DataError(
            f"{path} names {len(labels)} labels for {classes} classes; there must be two or more, all named"
        )
    digest = hashlib.sha256(repr(labels).encode())
    for split in splits:
        digest.update(split.images.tobytes() + split.labels.tobytes())
    return Dataset(path.stem, labels, spec, splits[0], splits[1], digest.hexdigest(), f"file {path}")


def _split(path: Path, images: np.ndarray, labels: np.ndarray, spec: InputSpec) -> Split:
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or len(images) != labels.size or not len(images):
        raise DataError(
            f"{path} must hold uint8 images (images, height, width[, channels]) and a label for each. "
            f"Received: {images.dtype} {images.shape} and labels {labels.shape}"
        )
    if labels.dtype.kind not in "iu" or labels.min() < 0:
        raise DataError(f"{path} must hold class indices from 0. Received: labels of {labels.dtype}")
    prepared = np.stack([prepare_array(image, spec).pixels for image in images])
    return Split(prepared, labels.reshape(-1).astype(np.int64))
