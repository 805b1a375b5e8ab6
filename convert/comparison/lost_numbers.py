"""Which channels of a file have values in the place of numbers that are infinite, or no numbers (NaN)."""

import numpy as np
import numpy.typing as npt

from .channel_words import What, number_sentences, sentences_of

Array = npt.NDArray[np.floating]


def channels_without(values: Array) -> list[int]:
    """Those of (channels, ...) that have such a value."""
    return [int(channel) for channel in np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))]


def sentences_without(weights: Array, bias: Array | None) -> list[str]:
    """Sentences on a layer's channels that have such values; none where all are finite numbers.

    Args:
        weights: (channels, ...).
        bias: (channels,), or None.
    """
    whats: dict[int, What] = {}
    for channel in channels_without(weights):
        here = weights[channel]
        whats[channel] = (f"not finite in {{}} of {here.size} weights", int((~np.isfinite(here)).sum()))
    return sentences_of(whats) + ([] if bias is None else vector_sentences_without(bias))


def vector_sentences_without(values: Array, name: str = "bias") -> list[str]:
    """The same for a number a channel, which is called `name`."""
    return number_sentences(dict.fromkeys(channels_without(values), ("not finite", None)), name)
