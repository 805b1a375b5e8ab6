"""What a network makes of images: each is run once, whatever is asked of it."""

import hashlib

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
    """A network's answers and maps.

    Attributes:
        answers: probabilities, float32 (classes,), of every image that was run, by `key_of`.
    """

    def __init__(self, network: KerasNetwork, some: Pixels) -> None:
        """Say whose.

        Args:
            network: runs in batches of a few images, with its maps.
            some: the images whose maps are kept, uint8 (count, height, width, channels).
        """
        self._network, self._some = network, some
        self._rows: dict[bytes, list[int]] = {}
        for row, pixels in enumerate(some):
            self._rows.setdefault(key_of(pixels), []).append(row)
        self._maps: dict[str, Floats] = {}
        self.answers: dict[bytes, Floats] = {}

    def ranges(self, images: Pixels) -> tuple[LayerRange, ...]:
        """`KerasNetwork.ranges` of uint8 `images` (count, height, width, channels), which need not be run again."""
        return self._network.ranges(images, self._note)

    def maps(self) -> dict[str, Floats]:
        """By name the maps of `some`, in network order, the probabilities last: float32 (count, ...)."""
        left = [rows[0] for key, rows in self._rows.items() if key not in self.answers]
        for part, values in self._network.maps_of(self._some[left]):
            self._note(part, values)
        return self._maps

    def _note(self, images: Pixels, values: dict[str, Floats]) -> None:
        for place, pixels in enumerate(images):
            key = key_of(pixels)
            self.answers[key] = values[PROBABILITIES][place].copy()
            for row in self._rows.get(key, ()):
                for name, of_images in values.items():
                    if name not in self._maps:
                        self._maps[name] = np.empty((len(self._some), *of_images.shape[1:]), np.float32)
                    self._maps[name][row] = of_images[place]
