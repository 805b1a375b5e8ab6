"""Images that are in two splits: what a network is tested on must not be what it learnt."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.arrays import Pixels
from edgecnn.pixels.dataset import Images

_SIDE = 16
BITS = _SIDE * _SIDE  # of a difference hash (N. Krawetz, 2013)
NEAR_BITS = 64  # of unrelated images half of them differ; of flat ones JPEG of quality 75 changes 44
NEAR_LEVELS = 2.5  # JPEG of quality 60 changes 1.9 in the median; no two of 2,000 x 20,000 of Fashion-MNIST are so near
MOST_PAIRS = 50_000_000  # two seconds of one core
_CHUNK = 10_000_000  # pairs whose distances are in memory at once


@dataclass(frozen=True)
class Duplicate:
    """An image that another split has, too.

    Attributes:
        row: of the image.
        other: row of the image in the other split, the nearest there.
        levels: how far both are apart on average, in levels of 255; 0 where their pixels are the same.
        is_exact: whether the prepared pixels are the same.
    """

    row: int
    other: int
    levels: float
    is_exact: bool


@dataclass(frozen=True)
class Thumbnails:
    """What two splits are compared by.

    Attributes:
        gray: uint8 (images, 16, 17).
        digests: of the prepared pixels, one each.
    """

    gray: npt.NDArray[np.uint8]
    digests: list[bytes]

    @classmethod
    def of(cls, images: Images) -> "Thumbnails":
        """Look at every image."""
        gray, digests = np.empty((len(images), _SIDE, _SIDE + 1), np.uint8), []
        for row, pixels in enumerate(images):
            gray[row] = _thumbnail(pixels)
            digests.append(hashlib.blake2b(pixels.tobytes(), digest_size=16).digest())
        return cls(gray, digests)

    @property
    def hashes(self) -> npt.NDArray[np.bool_]:
        """Their difference hashes, bool (images, 256)."""
        return np.asarray(self.gray[:, :, 1:] > self.gray[:, :, :-1]).reshape(len(self.gray), BITS)


def find_duplicates(here: Thumbnails, there: Thumbnails) -> list[Duplicate]:
    """The images of `here` that are in `there` too, or nearly.

    Exactly: the same prepared pixels. Nearly: at most `NEAR_BITS` of the 256 bits of their difference hashes differ,
    and their thumbnails of 17 x 16 gray pixels by at most `NEAR_LEVELS` levels of 255 on average. Of more than
    `MOST_PAIRS` pairs only those are compared whose hashes are equal.
    """
    first = {digest: row for row, digest in reversed(list(enumerate(there.digests)))}
    same = ((row, first[digest]) for row, digest in enumerate(here.digests) if digest in first)
    found = {row: Duplicate(row, other, 0.0, is_exact=True) for row, other in same}
    for row, others in _candidates(here.hashes, there.hashes):
        if row in found or not len(others):
            continue
        apart = np.abs(there.gray[others].astype(np.int16) - here.gray[row]).mean(axis=(1, 2))
        nearest = int(apart.argmin())
        if apart[nearest] <= NEAR_LEVELS:
            found[row] = Duplicate(row, int(others[nearest]), float(apart[nearest]), is_exact=False)
    return [found[row] for row in sorted(found)]


def _candidates(
    here: npt.NDArray[np.bool_], there: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, npt.NDArray[np.integer]]]:
    """Each row of `here` with the rows of `there` whose hashes are near, or with very many the same."""
    if len(here) * len(there) > MOST_PAIRS:
        rows_of: dict[bytes, list[int]] = defaultdict(list)
        for row, bits in enumerate(np.packbits(there, axis=1)):
            rows_of[bits.tobytes()].append(row)
        for row, bits in enumerate(np.packbits(here, axis=1)):
            yield row, np.asarray(rows_of.get(bits.tobytes(), ()), np.intp)
        return
    # Of signs, the product counts the bits that agree less those that differ.
    signs, step = np.where(there, 1, -1).astype(np.float32).T, max(1, _CHUNK // max(1, len(there)))
    for start in range(0, len(here), step):
        agreeing = np.where(here[start : start + step], 1, -1).astype(np.float32) @ signs
        for row, near in enumerate(agreeing >= BITS - 2 * NEAR_BITS, start):
            yield row, np.flatnonzero(near)


def _thumbnail(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L")
    return np.asarray(picture.resize((_SIDE + 1, _SIDE), Image.Resampling.BILINEAR))
