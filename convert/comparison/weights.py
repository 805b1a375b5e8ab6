"""Whether the numbers in a converted file are Keras', layer by layer and channel by channel, and what they are if not.

The file's integers, times their scales, are compared with the constants of the same network in float32 TFLite, where
TensorFlow has folded batch normalisation into the convolutions just so. Rounding explains half a step of a weight and
a step of a bias; what differs by more is another number, whether or not any image shows it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..tflite.kernels import Constant, Kernel, shapes_of
from .changed_channel import CHANGED, COPY, OTHERS, what_of
from .channel_words import ORDER, What, listed, sentences_of
from .likeness import ALIKE, cosines, rows
from .lost_numbers import channels_without, sentences_without
from .misplaced_weights import moved_from, vector_sentences

Array = npt.NDArray[np.floating]

OF_ANOTHER_EPOCH = "as of another epoch of its training"
_SPREAD = 0.05
_RELATED = 0.7  # cosine: weights of one training at two times, which random ones have not
_FEW_VALUES = 64  # of 6 bits; the integers of 8 have 255
_ENDED, _OF_BIASES = "{}, where its integers end", ("the bias of ", "the biases of ")
_SLACK = 1e-6  # of the largest value: float32 arithmetic of the folding


@dataclass(frozen=True)
class WeightFault:
    """A layer whose numbers in the file are not Keras'.

    Attributes:
        layer: the Keras layer's name.
        channels: of its output, those that are concerned.
        words: what they are instead, e.g. "channels 3 and 7 are exchanged".
        has_numbers: whether all that the layer has in the file are finite numbers.
    """

    layer: str
    channels: tuple[int, ...]
    words: str
    has_numbers: bool = True


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
        names: of the Keras layers; see `keras_kernels.layer_names`.
    """
    faults: list[WeightFault] = []
    for place, (name, own, here) in enumerate(zip(names, expected, found, strict=True)):
        fault = _without_numbers(name, here)
        if fault is None and (fault := _compare(name, own, here)):
            moved = moved_from(place, expected, here, names)
            fault = replace(fault, words=moved) if moved else fault
        faults += [fault] if fault else []
    return tuple(faults)


def _without_numbers(name: str, found: Kernel) -> WeightFault | None:
    weights, bias = found.weights.values, found.bias.values if found.bias else None
    sentences = sentences_without(weights, bias)
    if not sentences:
        return None
    channels = {*channels_without(weights), *(channels_without(bias) if bias is not None else ())}
    return WeightFault(name, tuple(sorted(channels)), "; ".join(sentences), has_numbers=False)


def _compare(name: str, expected: Kernel, found: Kernel) -> WeightFault | None:
    wrong = _wrong(expected.weights, found.weights, steps=0.5)
    channels = [int(channel) for channel in np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))]
    whats = {channel: what_of(expected.weights, found.weights, channel, wrong) for channel in channels}
    inputs = _moved_inputs(expected.weights.values, found.weights.values) if len(channels) > len(wrong) / 2 else ""
    whole = _of_all(expected.weights.values, found.weights.values, whats) if len(channels) == len(wrong) else ""
    whole = (_few_values(expected.weights, found.weights) if channels else "") or ("" if inputs else whole)
    if whole:
        return WeightFault(name, tuple(channels), whole)
    sentences = [inputs] if inputs else _sentences(whats)
    if expected.bias and found.bias:
        off = np.flatnonzero(_wrong(expected.bias, found.bias, steps=1.0))
        alone = [int(channel) for channel in off if channel not in channels]
        step = np.broadcast_to(2 * found.bias.error, found.bias.values.shape)
        at_end = (found.bias.values == found.bias.low) | (found.bias.values == found.bias.high)
        ended = {channel: float(found.bias.values[channel]) for channel in alone if at_end[channel]}
        sentences += sentences_of({each: (_ENDED, value) for each, value in ended.items()}, *_OF_BIASES)
        others = [channel for channel in alone if channel not in ended]
        sentences += vector_sentences(expected.bias.values, found.bias.values, step, others)
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


def _sentences(whats: Mapping[int, What]) -> list[str]:
    """What the channels are instead; those that have merely changed places, together."""
    moved = {channel: int(number) for channel, (words, number) in whats.items() if words == COPY and number is not None}
    if set(moved) != set(moved.values()):
        return sentences_of(whats)
    order = [f"channels {listed(sorted(moved))} {ORDER[len(moved) > 2]}"] if moved else []
    return order + sentences_of({channel: what for channel, what in whats.items() if channel not in moved})


def _of_all(expected: Array, found: Array, whats: Mapping[int, What]) -> str:
    """A sentence where all channels are wrong alike; else nothing."""
    is_matrix = found.ndim == 2 and 1 not in found.shape  # a single row or column is its own transpose
    if is_matrix and cosines(expected, found.reshape(found.shape[::-1]).T).min() > ALIKE:
        return "its weights are transposed"
    own, here = rows(expected), rows(found)
    likeness = cosines(own, here)
    if all(words.startswith((OTHERS, CHANGED)) for words, _ in whats.values()):
        if np.median(likeness) > _RELATED:
            return f"all its weights are somewhat others, {OF_ANOTHER_EPOCH}"
        if all(words == OTHERS for words, _ in whats.values()):
            return "all its weights are others, as of another training"
    gains = (own * here).sum(axis=1) / np.maximum(np.square(own).sum(axis=1), np.finfo(float).tiny)
    gain = float(np.median(gains))
    if likeness.min() > ALIKE and np.abs(gains - gain).max() < _SPREAD * gain:
        return f"all its weights are {gain:,.4g} times Keras'"
    return ""


def _few_values(expected: Constant, found: Constant) -> str:
    """A sentence where the weights are Keras', each rounded to the nearest of a few values; else nothing."""
    if not np.isclose(found.high - found.low, 255 * 2 * found.error).all():  # they are no integers of 8 bits
        return ""
    own, here = (each.values / (2 * found.error) for each in (expected, found))
    values = np.unique(np.rint(here))
    if not 2 <= len(values) <= min(_FEW_VALUES, len(np.unique(np.rint(own))) // 2):
        return ""
    gap = np.diff(values).max()
    if own.min() < values[0] - gap or own.max() > values[-1] + gap:  # they are cut
        return ""
    places = np.searchsorted(values, own).clip(1, len(values) - 1)
    nearest = np.minimum(np.abs(own - values[places - 1]), np.abs(own - values[places]))
    if np.any(np.abs(own - here) > nearest + 1):
        return ""
    return f"its weights are Keras', rounded to {len(values)} values"


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
