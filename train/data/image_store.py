"""Prepared images on disk, for data sets of any size: memory does not grow with their number."""

import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.errors import OutputError
from edgecnn.user_cache import cache_root

_CHUNK = 256


class _OpenFile:
    """A file descriptor that is closed with the last view that reads from it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = os.dup(descriptor)

    def __del__(self) -> None:
        os.close(self.descriptor)


class StoredImages:
    """uint8 (count, height, width, channels) in a file that has no name and ends with the process.

    Slices and arrays of indices give views; `numpy.asarray` reads a view into memory.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, file: _OpenFile, rows: npt.NDArray[np.int64], image_shape: tuple[int, ...]) -> None:
        """The images at `rows`, in this order, of a file of images of `image_shape`."""
        self._file, self._rows, self._image_shape = file, rows, image_shape

    @property
    def shape(self) -> tuple[int, ...]:
        """(count, height, width, channels)."""
        return (len(self._rows), *self._image_shape)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int | slice | npt.NDArray[Any]) -> Any:
        rows = self._rows[index]
        if rows.ndim == 0:
            return self._read(rows[None])[0]
        return StoredImages(self._file, rows, self._image_shape)

    def __iter__(self) -> Iterator[Pixels]:
        for start in range(0, len(self), _CHUNK):
            yield from self._read(self._rows[start : start + _CHUNK])

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        images = self._read(self._rows)
        return images if dtype is None else images.astype(dtype, copy=False)

    def _read(self, rows: npt.NDArray[np.int64]) -> Pixels:
        images: Pixels = np.empty((len(rows), *self._image_shape), np.uint8)
        size = int(np.prod(self._image_shape))
        starts = np.flatnonzero(np.diff(rows, prepend=-2) != 1)  # each begins a run that is read at once
        for start, end in itertools.pairwise([*starts, len(rows)]):
            rest, place = images[start:end].reshape(-1).data, int(rows[start]) * size
            while rest:  # the system reads 2 GiB at once at most
                read = os.preadv(self._file.descriptor, [rest], place)
                if not read:
                    raise OSError("the prepared images end too early; something has shortened their file")
                rest, place = rest[read:], place + read
        return images


def store_images(images: Iterable[Pixels], image_shape: tuple[int, ...]) -> StoredImages:
    """Write `images`, each uint8 of `image_shape`, to a file that vanishes with the process.

    It lies in the user's cache; where there is none to write to and none was named, among the system's temporary files.

    Raises:
        OutputError: it cannot be written.
    """
    folder, count = _writable_folder(), 0
    with _writing(folder):
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115  closed below
    with file:
        for image in images:
            rest = memoryview(image.tobytes())
            with _writing(folder):
                while rest:
                    rest = rest[file.write(rest) :]
            count += 1
        return StoredImages(_OpenFile(file.fileno()), np.arange(count), image_shape)


def _writable_folder() -> Path:
    if os.environ.get("XDG_CACHE_HOME"):
        with _writing(cache_root()):
            cache_root().mkdir(parents=True, exist_ok=True)
        return cache_root()
    with contextlib.suppress(OSError, RuntimeError):  # a home that is read-only, or missing
        cache_root().mkdir(parents=True, exist_ok=True)
        if os.access(cache_root(), os.W_OK):
            return cache_root()
    return Path(tempfile.gettempdir())


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the prepared images cannot be kept in {folder}: {error.strerror}; name a folder with room in "
            "XDG_CACHE_HOME"
        ) from None
