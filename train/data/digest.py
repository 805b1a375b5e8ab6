"""What tells one data set from another."""

import hashlib
from collections.abc import Iterable

from edgecnn.pixels.dataset import Split


def digest_splits(class_names: tuple[str, ...], splits: Iterable[Split]) -> str:
    """SHA-256, in hexadecimal, over the class names and the prepared images and labels of `splits`, in this order.

    Cards hold it: another order or another spelling of the names would make every run's data set a stranger.
    """
    digest = hashlib.sha256(repr(class_names).encode())
    for split in splits:
        for image in split.images:
            digest.update(image.data)
        digest.update(split.labels.tobytes())
    return digest.hexdigest()
