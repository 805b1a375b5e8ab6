"""A network that remembers its answers by image, so that no image is run twice."""

import hashlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.model_file.card import PROBABILITIES, LayerRange

from .keras_network import KerasNetwork

Floats = npt.NDArray[np.float32]


def key_of(pixels: Pixels) -> bytes:
    """What an image, uint8 (height, width, channels), is known by: its SHA-256."""
    return hashlib.sha256(pixels.tobytes()).digest()


class Seen:
    """A network, and what it answered.

    Attributes:
        answers: probabilities, float32 (classes,), of every image that was run, by `key_of`.
    """

    def __init__(self, network: KerasNetwork) -> None:
        """Say whose; it runs in batches of a few images, with its maps."""
        self._network = network
        self.answers: dict[bytes, Floats] = {}

    def ranges(self, images: Pixels) -> tuple[LayerRange, ...]:
        """`KerasNetwork.ranges` of uint8 `images` (count, height, width, channels)."""
        return self._network.ranges(images, self._note)

    def maps_of(self, images: Pixels) -> Iterator[tuple[Pixels, dict[str, Floats]]]:
        """`KerasNetwork.maps_of` uint8 `images` (count, height, width, channels)."""
        for part, values in self._network.maps_of(images):
            self._note(part, values)
            yield part, values

    def _note(self, images: Pixels, values: dict[str, Floats]) -> None:
        for place, pixels in enumerate(images):
            self.answers[key_of(pixels)] = values[PROBABILITIES][place].copy()
