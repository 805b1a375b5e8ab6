"""Weights and biases that are right, but stand elsewhere."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..tflite.kernels import Constant, Kernel, shapes_of
from .channel_words import ORDER, What, listed, number_sentences, several
from .likeness import ALIKE, cosines, rows

Array = npt.NDArray[np.floating]

_SEVERAL, _SPREAD = 3, 0.05  # of factors that are one
_MOST_TIMES = 10  # more are as likely a shift


def moved_from(place: int, expected: Sequence[Kernel], found: Kernel, names: Sequence[str]) -> str:
    """A sentence where a layer has the weights, or only the biases, of another one; else nothing.

    Args:
        place: of the layer.
        expected: the weights that every layer should have.
        found: what this one has.
        names: of the layers.
    """
    own, shapes = expected[place], [shape for _, shape in shapes_of(expected)]  # those of other shapes are not read
    for other in _places_but(place, [shape == found.weights.values.shape for shape in shapes]):
        kernel = expected[other]
        if cosines(rows(kernel.weights.values), rows(own.weights.values)).min() > ALIKE:
            continue  # a layer that is used twice has the same weights both times
        if cosines(rows(kernel.weights.values), rows(found.weights.values)).min() > ALIKE:
            return f"its weights are those of {names[other]}"
    if found.bias is None or own.bias is None or _equal(own.bias, found.bias).mean() > 0.5:
        return ""
    if cosines(rows(own.weights.values), rows(found.weights.values)).min() < ALIKE:
        return ""
    for other in _places_but(place, [shape[0] == len(found.bias.values) for shape in shapes]):
        kernel = expected[other]
        if kernel.bias is None:
            continue
        if kernel.bias.values.any() and _equal(kernel.bias, found.bias).all():
            return f"its biases are those of {names[other]}"
    return ""


def _places_but(place: int, are_alike: Sequence[bool]) -> list[int]:
    return [other for other, is_alike in enumerate(are_alike) if is_alike and other != place]


def vector_sentences(
    expected: Array, found: Array, step: Array, channels: Sequence[int], name: str = "bias"
) -> list[str]:
    """What the numbers of these channels are instead, such as "the biases of channels 1 and 6 are exchanged".

    Args:
        expected: a number a channel.
        found: likewise.
        step: how near two numbers of a channel must be to be the same.
        channels: those whose numbers are others.
        name: what such a number is called.
    """
    moved = _exchanged(expected, found, step, channels)
    if np.all(step > 0) and _are_moved(*((values / step)[list(channels)] for values in (expected, found))):
        moved = list(channels)  # as integers: each means another number in its new channel
    sentences = [f"the {several(name)} of channels {listed(moved)} {ORDER[len(moved) > 2]}"] if moved else []
    rest = [channel for channel in channels if channel not in moved]
    gain = _one_factor(expected[rest], found[rest])
    if gain and len(rest) == len(expected):
        return [f"all its {several(name)} are {gain:.3g} times Keras'"]
    whats = {each: _what(float(expected[each]), float(found[each]), float(step[each])) for each in rest}
    return sentences + number_sentences(whats, name)


def _exchanged(expected: Array, found: Array, step: Array, channels: Sequence[int]) -> list[int]:
    """Which of the channels have the number of another of them."""
    moved = {}
    for channel in channels:
        near = np.abs(found[channel] - expected[list(channels)]) <= step[channel]
        others = [other for other, is_near in zip(channels, near, strict=True) if is_near and other != channel]
        if others:
            moved[channel] = others[0]
    return list(moved) if len(moved) > 1 and set(moved) == set(moved.values()) else []


def _are_moved(expected: Array, found: Array) -> bool:
    """Whether integers are the expected ones in another order.

    Of numbers that differ in their signs alone, as floats do in their own steps, no order tells.
    """
    if len(found) < 2 or np.ptp(np.abs(found)) <= 1:
        return False
    return bool(np.all(np.abs(np.sort(expected) - np.sort(found)) <= 1))


def _what(own: float, here: float, step: float) -> What:
    """What a number is instead of `own`, where a `step` is all that it is known to."""
    if here == 0:
        return "zero", None
    if abs(own + here) < 0.02 * abs(own):
        return "negated", None
    times = _multiple(own, here, step) or 1 / (_multiple(here, own, step) or 1)
    return ("{} times Keras'", times) if times != 1 else ("shifted by {}", here - own)


def _multiple(of: float, number: float, step: float) -> int | None:
    """How many times a number is another one, where that is twice to ten times as near as a step, or a fiftieth."""
    times = round(number / of) if of else 0
    near = max(0.02 * abs(of), min(step, 0.1 * abs(of)))
    return times if 2 <= times <= _MOST_TIMES and abs(number - times * of) < near else None


def _one_factor(expected: Array, found: Array) -> float | None:
    """How many times the expected numbers all of them are, where there are several and it is one factor, no sign."""
    if len(expected) < _SEVERAL or not np.all(expected):
        return None
    gains = found / expected
    gain = float(np.median(gains))
    return gain if gain > 0 and np.abs(gains - gain).max() < _SPREAD * gain else None


def _equal(expected: Constant, found: Constant) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.abs(expected.values - found.values) <= 2 * found.error * (1 + 1e-4) + 1e-6
    return near
