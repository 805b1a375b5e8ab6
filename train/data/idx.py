"""A data set in four IDX files, the format of MNIST: http://yann.lecun.com/exdb/mnist."""

import gzip
import math
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.errors import DataError, InputError
from edgecnn.model_file.label_text import lines_of, read_label_text
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.image_files import MAX_PIXELS
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import prepare_array

from .digest import digest_splits
from .image_store import StoredImages, store_images

_MAGIC = {"images-idx3": (0x803, 3), "labels-idx1": (0x801, 1)}
_CHUNK_BYTES = 16_000_000
SpecFor = Callable[[int, int], InputSpec]  # of height and width of the images
_DAMAGED = (OSError, EOFError, zlib.error, struct.error, ValueError)


def is_folder_of_idx(folder: Path) -> bool:
    """Whether `folder` holds IDX training images."""
    return any(path.is_file() for path in _candidates(folder, "train", "images-idx3"))


def load_idx(folder: Path, spec_for: SpecFor) -> Dataset:
    """Load train-images-idx3-ubyte, train-labels-idx1-ubyte and both of t10k, gzip-compressed or not.

    A file labels.txt names the classes, one a line; without one they are called by their index.

    Args:
        folder: of the four files.
        spec_for: from height and width of the images to what they are turned into.

    Raises:
        DataError: one is missing, damaged, or not of this format.
    """
    train, spec = _load_split(folder, "train", spec_for)
    test, _ = _load_split(folder, "t10k", lambda *_: spec)  # other sizes are made those of the training
    classes = 1 + max(int(split.labels.max()) for split in (train, test))
    names = _names(folder / "labels.txt", classes)
    sha256 = digest_splits(names, (train, test))
    return Dataset(folder.resolve().name, names, spec, train, test, sha256, f"folder {folder}")


def _load_split(folder: Path, prefix: str, spec_for: SpecFor) -> tuple[Split, InputSpec]:
    labels = _labels(_find(folder, prefix, "labels-idx1"))
    path = _find(folder, prefix, "images-idx3")
    with _open(path) as file:
        count, height, width = _header(file, path, "images-idx3")
        if count != len(labels) or not count:
            raise DataError(f"{path} has {count} images and its labels file {len(labels)} labels; get both again")
        spec = spec_for(height, width)
        return Split(_prepare(file, path, (count, height, width), spec), labels), spec


def _candidates(folder: Path, prefix: str, kind: str) -> list[Path]:
    names = (f"{prefix}-{kind}-ubyte", f"{prefix}-{kind.replace('-', '.')}-ubyte")  # as some archives unpack
    return [folder / f"{name}{suffix}" for name in names for suffix in ("", ".gz")]


def _find(folder: Path, prefix: str, kind: str) -> Path:
    candidates = _candidates(folder, prefix, kind)
    for path in candidates:
        if path.is_file():
            return path
    raise DataError(f"{folder} has no {candidates[0].name}, compressed or not; an IDX data set has four files")


def _open(path: Path) -> IO[bytes]:
    try:
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror})") from None


def _header(file: IO[bytes], path: Path, kind: str) -> tuple[int, ...]:
    magic, dimensions = _MAGIC[kind]
    try:
        number, *sizes = struct.unpack(f">{1 + dimensions}I", file.read(4 * (1 + dimensions)))
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged or no IDX file ({error}); get it again") from None
    if number != magic or not 0 < math.prod(sizes[1:]) <= MAX_PIXELS:
        raise DataError(f"{path} is no IDX file of {kind.split('-')[0]}: its header says {number:#x} {sizes}")
    return tuple(sizes)


def _labels(path: Path) -> npt.NDArray[np.int64]:
    with _open(path) as file:
        (count,) = _header(file, path, "labels-idx1")
        labels = np.frombuffer(_exactly(file, path, count), np.uint8).astype(np.int64)
        _end(file, path)
        return labels


def _prepare(file: IO[bytes], path: Path, shape: tuple[int, ...], spec: InputSpec) -> StoredImages:
    count, height, width = shape

    def images() -> Iterator[Pixels]:
        chunk = max(1, _CHUNK_BYTES // (height * width))
        for start in range(0, count, chunk):
            part = min(chunk, count - start)
            raw = np.frombuffer(_exactly(file, path, part * height * width), np.uint8)
            for image in raw.reshape(part, height, width):
                yield prepare_array(image, spec).pixels
        _end(file, path)

    return store_images(images(), spec.shape)


def _exactly(file: IO[bytes], path: Path, count: int) -> bytes:
    try:
        data = file.read(count)
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged ({error}); get it again") from None
    if len(data) != count:
        raise DataError(f"{path} ends too early; get it again")
    return data


def _end(file: IO[bytes], path: Path) -> None:
    """Make sure that the file ends here; only then is its compression's checksum read."""
    try:
        more = file.read(1)
    except _DAMAGED as error:
        raise DataError(f"{path} is damaged ({error}); get it again") from None
    if more:
        raise DataError(f"{path} is longer than its header says; get it again")


def _names(path: Path, classes: int) -> tuple[str, ...]:
    if not path.is_file():
        return tuple(map(str, range(classes)))
    try:
        text = read_label_text(path).rstrip()
    except InputError as error:
        raise DataError(f"{error}; write one class name a line") from None
    names = tuple(lines_of(text)) if text else ()
    if len(names) < classes:
        raise DataError(f"{path} names {len(names)} classes, the labels go up to {classes - 1}; name all, one a line")
    return names
