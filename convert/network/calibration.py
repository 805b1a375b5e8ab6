"""The representative dataset: the training images that show a converter what values occur in the network."""

import hashlib

import numpy as np

from edgecnn.arrays import Pixels
from edgecnn.model_file.card import Quantization
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.pixels.dataset import Split, stratified


def draw_images(split: Split, count: int, seed: int) -> Pixels:
    """`count` images of `split`, stratified over its classes: uint8 (count, height, width, channels)."""
    return np.asarray(split.images[stratified(split.labels, count, seed)])


def pinned(images: Pixels) -> Pixels:
    """`images` with a darkest and a brightest pixel of every channel in the first of them, where none has such.

    The range of the input is then that of all bytes: no image, however bright, leaves it, and with 8 bits every pixel
    value has an integer of its own.
    """
    low, high = images.min(axis=(0, 1, 2)), images.max(axis=(0, 1, 2))
    if low.max() == 0 and high.min() == 255:
        return images
    with_ends = images.copy()
    with_ends[0, 0, 0], with_ends[0, -1, -1] = 0, 255
    return with_ends


def quantization_of(scheme: str, images: Pixels, seed: int) -> Quantization:
    """What the card says of a conversion to `scheme` that `images` calibrated, if it needs any."""
    if not SCHEMES[scheme].is_calibrated:
        return Quantization(scheme)
    return Quantization(scheme, len(images), seed, hashlib.sha256(images.tobytes()).hexdigest())
