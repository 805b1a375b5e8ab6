"""The representative dataset: the training images that show a converter what values occur in the network."""

import hashlib
from collections.abc import Collection

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.model_file.card import INPUT, FeatureMap, LayerRange, Quantization
from edgecnn.model_file.schemes import SCHEMES, Scheme
from edgecnn.pixels.dataset import Split, stratified

from .feature_maps import with_named_outputs

_BATCH = 8  # feature maps are large


def draw(split: Split, count: int, seed: int) -> Pixels:
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
    pinned = images.copy()
    pinned[0, 0, 0], pinned[0, -1, -1] = 0, 255
    return pinned


def describe(scheme: Scheme, images: Pixels, seed: int) -> Quantization:
    """What the card says of a quantization that `images` calibrated, if it needs any."""
    if not SCHEMES[scheme].is_calibrated:
        return Quantization(scheme)
    return Quantization(scheme, len(images), seed, hashlib.sha256(images.tobytes()).hexdigest())


def ranges(model: keras.Model, maps: Collection[FeatureMap], inputs: npt.NDArray[np.float32]) -> tuple[LayerRange, ...]:
    """What `inputs`, float32 (count, height, width, channels), make of the input itself and of each of `maps`."""
    named = with_named_outputs(model, maps)
    found = {name: _Extent() for name in (INPUT, *(layer.name for layer in maps))}
    for start in range(0, len(inputs), _BATCH):
        part = inputs[start : start + _BATCH]
        outputs = named.predict_on_batch(part)
        for name, extent in found.items():
            extent.add(part if name == INPUT else np.asarray(outputs[name], np.float32))
    return tuple(extent.range(name) for name, extent in found.items())


class _Extent:
    """Lowest and highest value of every channel, and of the images' means."""

    def __init__(self) -> None:
        self._low: list[npt.NDArray[np.float32]] = []
        self._high: list[npt.NDArray[np.float32]] = []
        self._means: list[float] = []

    def add(self, values: npt.NDArray[np.float32]) -> None:
        channels = values.reshape(-1, values.shape[-1])
        self._low.append(channels.min(axis=0))
        self._high.append(channels.max(axis=0))
        self._means += [float(image.mean()) for image in values]

    def range(self, name: str) -> LayerRange:
        low, high = np.min(self._low, axis=0), np.max(self._high, axis=0)
        return LayerRange(
            name=name,
            low=float(low.min()),
            high=float(high.max()),
            mean_low=min(self._means),
            mean_high=max(self._means),
            constant_channels=tuple(int(channel) for channel in np.flatnonzero(low == high)),
        )
