"""The representative dataset: the training images that show a converter what values occur in the network."""

import hashlib

import numpy as np

from edgecnn.card import Quantization, Scheme
from edgecnn.dataset import Split, stratified
from edgecnn.preprocessing import Pixels

CALIBRATED: tuple[Scheme, ...] = ("mixed", "int8", "int16x8")


def draw(split: Split, count: int, seed: int) -> Pixels:
    """`count` images of `split`, stratified over its classes: uint8 (count, height, width, channels)."""
    return np.asarray(split.images[stratified(split.labels, count, seed)])


def describe(scheme: Scheme, images: Pixels, seed: int) -> Quantization:
    """What the card says of a quantization that `images` calibrated, if it needs any."""
    if scheme not in CALIBRATED:
        return Quantization(scheme)
    return Quantization(scheme, len(images), seed, hashlib.sha256(images.tobytes()).hexdigest())
