"""What a file has in the place of a channel whose weights are not Keras'."""

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..tflite.kernels import Constant
from .channel_words import What
from .likeness import ALIKE, cosines, rows

Array = npt.NDArray[np.floating]

OTHERS = "unlike Keras'"
COPY = "a copy of channel {}"
CHANGED = "changed in {} of "

_FEW = 0.1
_ABOUT = 0.02  # of a factor
_SLACK = 1e-6  # of the largest value: float32 arithmetic
_FEW_PLACES = 0.25
_ENOUGH = 6  # values: fewer are alike by chance
_NEARER = 0.5  # of what a channel lacks to being itself: what it may lack to being something else, to be called that


def what_of(expected: Constant, found: Constant, channel: int, wrong: npt.NDArray[np.bool_]) -> What:
    """What a channel is in the file.

    Args:
        expected: the weights of all channels, as Keras has them.
        found: as the file has them.
        channel: this one.
        wrong: which weights rounding does not explain.
    """
    own, here = expected.values[channel], found.values[channel]
    if not here.any():
        return "zero", None
    few, changed = int(wrong[channel].sum()), f"{CHANGED}{here.size} weights"
    likeness = _likeness(own, here)
    others = [each for each in _elsewhere(expected.values, here, channel) if 1 - each[0] < _NEARER * (1 - likeness)]
    best, what = max(others, default=(likeness, None), key=lambda each: each[0])
    if max(best, -likeness) < ALIKE:
        if few <= max(1, _FEW * here.size):
            return changed, few
        return _places(own, here, wrong[channel], 2 * float(np.max(found.error))) or (OTHERS, None)
    gain = float((own * here).sum() / (np.square(own).sum() or 1))  # of a channel that is 0 in Keras too
    if -likeness > best:
        return ("negated", None) if abs(gain + 1) < _ABOUT else ("{} times Keras'", float(f"{gain:.3g}"))
    if what:
        return what
    ends = np.isclose(here, found.low[channel]) | np.isclose(here, found.high[channel])
    if np.array_equal(wrong[channel], wrong[channel] & ends) and gain < 1:
        return "clipped at {}", float(np.abs(here).max())
    times = float(f"{gain:.3g}")
    rounding = found.error[channel] * (1 + 1e-4) + _SLACK * np.abs(own).max()
    is_factor = times != 1 and bool(np.all(np.abs(here - gain * own) <= rounding))
    return ("{} times Keras'", times) if is_factor or abs(gain - 1) > _ABOUT else (changed, few)


def _places(own: Array, here: Array, wrong: npt.NDArray[np.bool_], step: float) -> What | None:
    """What a kernel, (height, width, inputs), is that is wrong at a few of its places alone."""
    if own.ndim != 3:
        return None
    places = [tuple(int(each) for each in place) for place in np.argwhere(wrong.any(axis=-1))]
    if not 0 < len(places) <= _FEW_PLACES * wrong[..., 0].size:
        return None
    if len(places) == 2:
        first, second = places
        if max(np.abs(own[first] - here[second]).max(), np.abs(own[second] - here[first]).max()) <= step:
            return f"right but for its places {first} and {second} (row, column), which are exchanged", None
    named = " and ".join(map(str, places))
    return f"right but for its places {named} (row, column)", None


def _elsewhere(expected: Array, here: Array, channel: int) -> Iterator[tuple[float, What]]:
    """How alike the weights are to those of the other channels, and to their own otherwise turned."""
    if here.size <= 2:  # of a number or two every other is a multiple
        return
    every = cosines(rows(expected), here.reshape(1, -1).repeat(len(expected), 0))
    yield from ((float(cosine), (COPY, other)) for other, cosine in enumerate(every) if other != channel)
    if here.ndim == 3:
        yield from ((_likeness(turned, here), (words, None)) for words, turned in _turned(expected[channel]))
        yield from ((_likeness(*both), (words, None)) for words, *both in _shifted(expected[channel], here))


def _turned(kernel: Array) -> Iterator[tuple[str, Array]]:
    """A kernel, (height, width, inputs), in the ways that leave its shape."""
    height, width, _ = kernel.shape
    if width > 1:
        yield "mirrored left to right", kernel[:, ::-1]
    if height > 1:
        yield "mirrored top to bottom", kernel[::-1]
    if min(height, width) > 1:
        yield "rotated by 180°", kernel[::-1, ::-1]
    if height == width > 1:
        yield "rotated by 90°", np.rot90(kernel)
        yield "rotated by 270°", np.rot90(kernel, 3)
        yield "transposed", kernel.swapaxes(0, 1)
    for axis, name in enumerate(("rows", "columns")):
        for first, second in itertools.combinations(range(kernel.shape[axis]), 2):
            order = list(range(kernel.shape[axis]))
            order[first], order[second] = second, first
            yield f"right but for its {name} {first} and {second}, which are exchanged", kernel.take(order, axis)


def _shifted(own: Array, here: Array) -> Iterator[tuple[str, Array, Array]]:
    """What two kernels, (height, width, inputs), have in common where one is the other one place on."""
    if own[:, 1:].size >= _ENOUGH:
        yield "shifted by a column to the right", own[:, :-1], here[:, 1:]
        yield "shifted by a column to the left", own[:, 1:], here[:, :-1]
    if own[1:].size >= _ENOUGH:
        yield "shifted by a row down", own[:-1], here[1:]
        yield "shifted by a row up", own[1:], here[:-1]


def _likeness(own: Array, here: Array) -> float:
    return float(cosines(own.reshape(1, -1), here.reshape(1, -1))[0])
