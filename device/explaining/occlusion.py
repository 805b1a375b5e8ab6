"""Occlusion: cover the image window by window, and see how far the probability falls.

M. D. Zeiler, R. Fergus, "Visualizing and Understanding Convolutional Networks" (2014), section 2; here with two fills,
because a black window on a black background covers nothing.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels

from ..runtime.loaded_model import LoadedModel
from .fills import Fill, fill_like
from .methods import Ask

WINDOWS = 7  # along each side, whatever the image's size: what it costs depends on the network alone
SHARE = 4  # a window is a quarter of the side
FILLS: tuple[Fill, ...] = ("black", "grey")


class Occlusion:
    """Seven by seven windows, each a quarter of the height and of the width, with two fills.

    A pixel's heat is the fall of the probability, averaged over the windows that cover it and over the fills; below 0
    where covering it makes the class more probable.
    """

    def __init__(self, height: int, width: int) -> None:
        """Lay the windows over images of `height` x `width` pixels."""
        self._windows = [(rows, columns) for rows in spans(height) for columns in spans(width)]
        self._height, self._width = height, width
        self.reads = ()
        self.invokes = 1 + len(FILLS) * len(self._windows)

    def heat_map(self, pixels: Pixels, index: int, ask: Ask) -> npt.NDArray[np.float32]:
        """How far the probability falls, float32 (height, width); see `HeatMapper`."""
        total = np.zeros((self._height, self._width))
        covered = np.zeros((self._height, self._width))
        whole = ask(pixels)
        for fill in FILLS:
            filling = fill_like(pixels, fill)
            for window in self._windows:
                masked = pixels.copy()
                masked[window] = filling[window]
                total[window] += whole - ask(masked)
                covered[window] += 1
        return (total / covered).astype(np.float32)


def spans(side: int) -> Iterator[slice]:
    """Seven spans of a quarter of `side` pixels, from end to end; fewer where there are not as many places."""
    length = max(1, round(side / SHARE))
    starts = np.unique(np.rint(np.linspace(0, side - length, WINDOWS)).astype(int))
    return (slice(start, start + length) for start in starts.tolist())


def prepare(loaded: LoadedModel) -> Occlusion:
    """For the network's size of image."""
    return Occlusion(loaded.input.height, loaded.input.width)
