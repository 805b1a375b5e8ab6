"""Insertion and deletion: how well a ranking explains an answer, beside rankings that know nothing of the network.

V. Petsiuk, A. Das, K. Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box Models" (BMVC 2018),
section 4.1. Deletion takes pixels away from the whole image, the highest ranked first; insertion puts them back into
an image without any. Both are the area under the curve of the class' probability over the share of pixels, between 0
and 1: a good ranking makes deletion small and insertion large.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels

from .explanation import Score
from .fills import Fill, fill_like
from .methods import Ask

# Along each curve, so that the cost is bounded. Beside 56 steps, the mean areas of 60 images of Fashion-MNIST differ by
# less than 0.005, those of one image by less than 0.05.
STEPS = 14
FILLS: tuple[Fill, ...] = ("black", "blurred")  # the second is no method's own: a method does well with its own fill
RANKINGS = ("explanation", "brightness", "random")
_SEED = 0


def invokes(height: int, width: int) -> int:
    """How often the network runs for all scores of an image of this size, the image as it is included."""
    between = len(_counts(height * width)) - 2
    return 1 + len(FILLS) * (1 + len(RANKINGS) * 2 * between)


def score(heat: npt.NDArray[np.float32], pixels: Pixels, ask: Ask) -> tuple[Score, ...]:
    """Insertion and deletion of a heat map, beside those of rankings that know nothing of the network.

    Args:
        heat: (height, width): the highest pixels go first, equal ones row by row.
        pixels: prepared, uint8 (height, width, channels).
        ask: the probability of the class that is explained.

    Returns:
        One for every ranking (`explanation`; `brightness`, the mean of the channels; `random`, always the same) with
        every fill.
    """
    count = heat.size
    rankings = (
        np.argsort(-heat.ravel(), kind="stable"),
        np.argsort(-pixels.mean(axis=2).ravel(), kind="stable"),
        np.random.default_rng(_SEED).permutation(count),
    )
    whole = ask(pixels)
    scores = []
    for fill in FILLS:
        empty = fill_like(pixels, fill)
        nothing = ask(empty)
        for name, ranking in zip(RANKINGS, rankings, strict=True):
            deleted = [whole, *(ask(image) for image in _mixtures(pixels, empty, ranking)), nothing]
            inserted = [nothing, *(ask(image) for image in _mixtures(empty, pixels, ranking)), whole]
            shares = _counts(count) / count
            scores.append(Score(name, fill, _area(inserted, shares), _area(deleted, shares)))
    return tuple(scores)


def _counts(pixels: int) -> npt.NDArray[np.int64]:
    """How many pixels are exchanged at each point of a curve, from none to all."""
    return np.unique(np.rint(np.linspace(0, pixels, STEPS + 1)).astype(np.int64))


def _mixtures(start: Pixels, end: Pixels, ranking: npt.NDArray[np.int64]) -> Iterator[Pixels]:
    """`start` with more and more pixels of `end`, between the points where it has none and all."""
    image = start.copy()
    flat, of_end = image.reshape(len(ranking), -1), end.reshape(len(ranking), -1)
    counts = _counts(len(ranking))
    for before, after in pairwise(counts[:-1]):
        flat[ranking[before:after]] = of_end[ranking[before:after]]
        yield image


def _area(values: list[float], shares: npt.NDArray[np.float64]) -> float:
    """The area under a curve, by the trapezoidal rule."""
    heights = np.array(values)
    return float((np.diff(shares) * (heights[1:] + heights[:-1]) / 2).sum())
