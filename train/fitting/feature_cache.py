"""What a frozen network makes of images, kept in the user's cache: each image is asked about once."""

import contextlib
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.atomic_files import replacing
from edgecnn.errors import OutputError
from edgecnn.user_cache import cache_root

MOST_BYTES = 1 << 30  # of all files together: the oldest give way

Features = npt.NDArray[np.float32]


class FeatureCache:
    """The features of images by the SHA-256 of their shape and pixels, of one network, in one file.

    Where nothing can be read or written (a read-only home, a full disk), features are computed anew.
    """

    def __init__(self, network: str, most_bytes: int = MOST_BYTES) -> None:
        """Read what is there.

        Args:
            network: tells the network and its weights from all others.
            most_bytes: of all files of the cache together.
        """
        self._name, self._most_bytes = f"{hashlib.sha256(network.encode()).hexdigest()[:32]}.npz", most_bytes
        self._known = self._read()
        self._size = len(self._known)

    def features(
        self, images: Iterator[npt.NDArray[np.uint8]], compute: Callable[[npt.NDArray[np.uint8]], Features], batch: int
    ) -> Iterator[Features]:
        """Features of images, each uint8 (height, width, channels); those that are not known are computed.

        Args:
            images: one after the other.
            compute: from uint8 (n, height, width, channels) to float32 (n, features), n up to `batch`.
            batch: above 0.

        Yields:
            float32 (up to `batch`, features), in the order of the images.
        """
        group: list[npt.NDArray[np.uint8]] = []
        for image in images:
            group.append(image)
            if len(group) == batch:
                yield self._of(group, compute)
                group = []
        if group:
            yield self._of(group, compute)

    def save(self) -> None:
        """Write what has come in, and remove the oldest files of other networks where all take too much room."""
        if len(self._known) == self._size:
            return
        with contextlib.suppress(OSError, OutputError, RuntimeError):
            path = self._path
            needed = sum(row.nbytes + 64 for row in self._known.values())
            if needed > self._most_bytes:
                return
            others = [other for other in path.parent.glob("*.npz") if other != path]
            for other in sorted(others, key=lambda file: file.stat().st_mtime, reverse=True):
                needed += other.stat().st_size
                if needed > self._most_bytes:
                    other.unlink()
            keys = np.array([list(bytes.fromhex(key)) for key in self._known], np.uint8)
            with replacing(path) as temporary, open(temporary, "wb") as file:
                np.savez(file, keys=keys, features=np.stack(list(self._known.values())))
        self._size = len(self._known)

    @property
    def _path(self) -> Path:
        return cache_root() / "features" / self._name

    def _read(self) -> dict[str, Features]:
        with contextlib.suppress(OSError, RuntimeError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            with np.load(io.BytesIO(self._path.read_bytes()), allow_pickle=False) as arrays:
                keys, features = arrays["keys"], arrays["features"]
            return {key.tobytes().hex(): row for key, row in zip(keys, features, strict=True)}
        return {}

    def _of(self, group: list[npt.NDArray[Any]], compute: Callable[[npt.NDArray[np.uint8]], Features]) -> Features:
        keys = [hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest() for image in group]
        missing = [row for row, key in enumerate(keys) if key not in self._known]
        if missing:
            computed = compute(np.stack([group[row] for row in missing]))
            self._known.update(zip((keys[row] for row in missing), computed, strict=True))
        return np.stack([self._known[key] for key in keys])
