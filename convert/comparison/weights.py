"""Whether the numbers in a converted file are Keras', layer by layer and channel by channel, and what they are if not.

The file's integers, times their scales, are compared with the constants of the same network in float32 TFLite, where
TensorFlow has folded batch normalisation into the convolutions just so. Rounding explains half a step of a weight and
a step of a bias; what differs by more is another number, whether or not any image shows it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ..network.feature_maps import layer_uses
from ..tflite.kernels import Constant, Kernel, shapes_of
from .likeness import ALIKE, cosines, rows
from .moved import ORDER, listed, moved_from, of_channels, vector_sentences

Array = npt.NDArray[np.floating]

_FEW = 0.1
_SPREAD = 0.05
_SAME = 1 - 1e-9  # cosine: no other layer is nearer
_SLACK = 1e-6  # of the largest value: float32 arithmetic of the folding

_OTHERS = "unlike Keras'"
_COPY = "a copy of channel "

_TURNED: tuple[tuple[str, Callable[[Array], Array]], ...] = (
    ("mirrored left to right", lambda kernel: kernel[:, ::-1]),
    ("mirrored top to bottom", lambda kernel: kernel[::-1]),
    ("rotated by 180°", lambda kernel: kernel[::-1, ::-1]),
    ("rotated by 90°", lambda kernel: np.rot90(kernel)),
    ("rotated by 270°", lambda kernel: np.rot90(kernel, 3)),
    ("transposed", lambda kernel: kernel.swapaxes(0, 1)),
)


@dataclass(frozen=True)
class WeightFault:
    """A layer whose numbers in the file are not Keras'.

    Attributes:
        layer: the Keras layer's name.
        channels: of its output, those that are concerned.
        words: what they are instead, e.g. "channels 3 and 7 are exchanged".
    """

    layer: str
    channels: tuple[int, ...]
    words: str


def comparable(expected: Sequence[Kernel], found: Sequence[Kernel]) -> bool:
    """Whether two flatbuffers have the same operators with weights, in the same order and of the same shapes."""
    return len(expected) > 0 and shapes_of(expected) == shapes_of(found)


def compare_weights(
    expected: Sequence[Kernel], found: Sequence[Kernel], names: Sequence[str]
) -> tuple[WeightFault, ...]:
    """Compare the constants of two `comparable` flatbuffers.

    Args:
        expected: of the float32 model.
        found: of the file.
        names: of the Keras layers; see `layer_names`.
    """
    faults = []
    for place, (name, own, here) in enumerate(zip(names, expected, found, strict=True)):
        fault = _compare(name, own, here)
        if fault:
            moved = moved_from(place, expected, here, names)
            faults.append(replace(fault, words=moved) if moved else fault)
    return tuple(faults)


def layer_names(model: keras.Model, kernels: Sequence[Kernel]) -> tuple[str, ...]:
    """The Keras layer that each operator with weights came from: that whose channels point in the same directions."""
    owned = [(use.name, own) for use in layer_uses(model) for own in _keras_kernels(use.layer)]
    names = []
    for position, kernel in enumerate(kernels):
        own, best, found = rows(kernel.weights.values), 0.0, 0
        for place, (_, candidate) in enumerate(owned):
            if candidate.shape != own.shape:
                continue
            alike = float(np.abs(cosines(own, candidate.matrix())).mean())
            if alike > best:  # of equal ones, as of a layer that is used twice, the first
                best, found = alike, place
            if alike > _SAME:
                break
        names.append(owned.pop(found)[0] if best > ALIKE else f"operator {position} ({kernel.operator})")
    return tuple(names)


@dataclass(frozen=True)
class _KerasKernel:
    """A kernel of a layer, as a matrix (channels, values of one channel in the order of TFLite)."""

    variable: Any
    is_depthwise: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        sizes = [int(size) for size in self.variable.shape]
        channels = sizes[2] * sizes[3] if self.is_depthwise else sizes[-1]
        return channels, math.prod(sizes) // channels

    def matrix(self) -> Array:
        """float64; a copy, for the variables of a large network are not wanted all at once."""
        values = np.asarray(self.variable, np.float64)
        if self.is_depthwise:  # (height, width, inputs, multiplier)
            return values.reshape(-1, self.shape[0]).T
        return values.transpose(-1, *range(values.ndim - 1)).reshape(self.shape)  # (..., inputs, channels)


def _keras_kernels(layer: keras.Operation) -> Iterator[_KerasKernel]:
    for variable in getattr(layer, "weights", ()):  # an operation such as x + y has none
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D) or variable.name == "depthwise_kernel"
        if len(variable.shape) in (2, 4) and math.prod(variable.shape):
            yield _KerasKernel(variable, is_depthwise and len(variable.shape) == 4)


def _compare(name: str, expected: Kernel, found: Kernel) -> WeightFault | None:
    wrong = _wrong(expected.weights, found.weights, steps=0.5)
    in_channel = wrong.reshape(len(wrong), -1).sum(axis=1)
    channels = [int(channel) for channel in np.flatnonzero(in_channel)]
    words: dict[str, list[int]] = {}
    for channel in channels:
        words.setdefault(_what(expected.weights, found.weights, channel, wrong), []).append(channel)
    inputs = _moved_inputs(expected.weights.values, found.weights.values) if len(channels) > len(wrong) / 2 else ""
    whole = _of_all(expected.weights.values, found.weights.values, words) if len(channels) == len(wrong) else ""
    if whole and not inputs:
        return WeightFault(name, tuple(channels), whole)
    moved = {of[0]: int(what.removeprefix(_COPY)) for what, of in words.items() if what.startswith(_COPY)}
    exchanged = set(moved) == set(moved.values())
    sentences = [f"channels {listed(sorted(moved))} {ORDER[len(moved) > 2]}"] if moved and exchanged else []
    sentences += [of_channels(what, of) for what, of in words.items() if not (exchanged and what.startswith(_COPY))]
    sentences = [inputs] if inputs else sentences
    if expected.bias and found.bias:
        off = np.flatnonzero(_wrong(expected.bias, found.bias, steps=1.0))
        alone = [int(channel) for channel in off if channel not in channels]
        step = np.broadcast_to(2 * found.bias.error, found.bias.values.shape)
        sentences += vector_sentences(expected.bias.values, found.bias.values, step, alone)
        channels = sorted({*channels, *alone})
    return WeightFault(name, tuple(channels), "; ".join(sentences)) if channels else None


def _wrong(expected: Constant, found: Constant, steps: float) -> npt.NDArray[np.bool_]:
    """Which values rounding does not explain; `Constant.error` is half a step."""
    slack = _SLACK * float(np.abs(expected.values).max(initial=0.0))
    allowed = 2 * steps * np.maximum(found.error, expected.error)
    allowed *= 1 + 1e-4
    allowed += slack
    apart = expected.values - found.values
    np.abs(apart, out=apart)
    different: npt.NDArray[np.bool_] = ~(apart <= allowed)
    return different


def _what(expected: Constant, found: Constant, channel: int, wrong: npt.NDArray[np.bool_]) -> str:
    """What the file has in the place of a channel, in words that follow "is" or "are"."""
    own, here = expected.values[channel], found.values[channel]
    if not here.any():
        return "zero"
    likeness = [(float(cosines(own.reshape(1, -1), here.reshape(1, -1))[0]), "itself")]
    if here.size > 2:  # of a number or two every other is a multiple
        likeness += [
            (float(cosine), f"{_COPY}{other}")
            for other, cosine in enumerate(cosines(rows(expected.values), here.reshape(1, -1).repeat(len(wrong), 0)))
            if other != channel
        ]
        if own.ndim == 3 and own.shape[0] == own.shape[1] > 1:
            likeness += [
                (float(cosines(turn(own).reshape(1, -1), here.reshape(1, -1))[0]), words) for words, turn in _TURNED
            ]
    opposite = -likeness[0][0]
    best, words = max(likeness)
    if max(best, opposite) < ALIKE:
        few = int(wrong[channel].sum())
        return f"changed in {few} of {here.size} weights" if few <= max(1, _FEW * here.size) else _OTHERS
    if opposite > best:
        return "negated"
    if words != "itself":
        return words
    gain = float((own * here).sum() / np.square(own).sum())
    ends = np.isclose(here, found.low[channel]) | np.isclose(here, found.high[channel])
    if np.array_equal(wrong[channel], wrong[channel] & ends) and gain < 1:
        return f"clipped at {np.abs(here).max():.4g}"
    if abs(gain - 1) > 0.02:
        return f"{gain:.3g} times Keras'"
    few = int(wrong[channel].sum())
    return f"changed in {few} of {here.size} weights"


def _of_all(expected: Array, found: Array, words: Mapping[str, Sequence[int]]) -> str:
    """A sentence where all channels are wrong alike; else nothing."""
    is_matrix = found.ndim == 2 and 1 not in found.shape  # a single row or column is its own transpose
    if is_matrix and cosines(expected, found.reshape(found.shape[::-1]).T).min() > ALIKE:
        return "its weights are transposed"
    if len(words.get(_OTHERS, ())) == len(expected):
        return "all its weights are others, as of another training"
    own, here = rows(expected), rows(found)
    gains = (own * here).sum(axis=1) / np.maximum(np.square(own).sum(axis=1), np.finfo(float).tiny)
    gain = float(np.median(gains))
    if cosines(own, here).min() > ALIKE and np.abs(gains - gain).max() < _SPREAD * gain:
        return f"all its weights are {gain:,.4g} times Keras'"
    return ""


def _moved_inputs(expected: Array, found: Array) -> str:
    """A sentence where every channel is right but for the order of its inputs; else nothing."""
    first, second = (values.reshape(-1, values.shape[-1]).T for values in (expected, found))
    order = np.arange(len(first))
    for place, values in enumerate(second):
        likeness = cosines(first, np.broadcast_to(values, first.shape))
        if likeness[place] < ALIKE < likeness.max():
            order[place] = likeness.argmax()
    moved = np.flatnonzero(order != np.arange(len(order)))
    if not len(moved) or len(set(order)) < len(order):
        return ""
    if cosines(rows(expected[..., order]), rows(found)).min() < ALIKE:
        return ""
    return f"its inputs {listed(moved.tolist())} {ORDER[len(moved) > 2]}"
