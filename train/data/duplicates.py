"""Images that are in training and in test: a test that contains its own answers says too much."""

import hashlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.arrays import Pixels
from edgecnn.pixels.dataset import Images, Split

_SIDE = 16  # 256 bits: images of equal hash look alike to people


def report_duplicates(splits: dict[str, Split], progress: Callable[[str], None]) -> None:
    """Tell `progress` how many images of validation and test are in the training split too.

    Exactly: the same prepared pixels. Nearly: the same difference hash (N. Krawetz, 2013) of 16 x 16 bits.
    """
    known = _hashes(splits["train"].images)
    for name, split in splits.items():
        if name == "train":
            continue
        same, alike = (int(np.isin(*pair).sum()) for pair in zip(_hashes(split.images), known, strict=True))
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
