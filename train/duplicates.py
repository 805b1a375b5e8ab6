"""Images that are in training and in test: a test that contains its own answers says too much."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from edgecnn.dataset import Split
from edgecnn.preprocessing import Pixels

_SIDE = 16  # 256 bits: images of equal hash look alike to people


def report_duplicates(splits: dict[str, Split], progress: Callable[[str], None]) -> None:
    """Tell `progress` how many images of validation and test are in the training split too.

    Exactly: the same prepared pixels. Nearly: the same difference hash (N. Krawetz, 2013) of 16 x 16 bits.
    """
    exact = {image.tobytes() for image in splits["train"].images}
    near = set(_hashes(splits["train"].images))
    for name, split in splits.items():
        if name == "train":
            continue
        same = sum(image.tobytes() in exact for image in split.images)
        alike = sum(value in near for value in _hashes(split.images)) - same
        if same or alike > 0:
            progress(
                f"{same} of {len(split):,} {name} images are training images too, {max(alike, 0)} more look like one; "
                f"{name} accuracy is flattered by them"
            )


def _hashes(images: Pixels) -> Iterator[bytes]:
    for image in images:
        picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).convert("L")
        gray = np.asarray(picture.resize((_SIDE + 1, _SIDE), Image.Resampling.BILINEAR)).astype(np.int16)
        # A flat image has no differences; its level tells it from other flat ones.
        yield np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes() + bytes([int(gray.mean()) // 8])
