"""Which pixels a network was fed in training, as far as its first layers say."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError

from .input_scaling import InputScaling, numbers, read_scaling

Array = npt.NDArray[np.float64]
Range = tuple[float, float]
# What people make of the pixels 0 to 255 before a network, and what networks make of those in their first layers.
RANGES: tuple[Range, ...] = ((0, 255), (0, 1), (-1, 1))
_RESULTS: tuple[Range, ...] = ((0, 255), (0, 1), (-1, 1), (-0.5, 0.5))
_CLOSE = 0.02  # of a range's width: people divide by 255, 256, 127.5, 127 and 128
# Nobody divides values of 1 at most by that much, or more.
_SMALL = 1 / 16
_CENTRE = -50.0  # subtracted from pixels: their mean, as ResNet50 and VGG16 of keras.applications have it
# Of photographs: mean and deviation as shares of the range's width, and how far they vary.
_MEAN, _MEAN_SPREAD, _DEVIATION, _LOG_SPREAD = 0.45, 0.25, 0.25, 0.5
_CLEARLY, _LIKELY = 1.0, 3.0
_OTHER = 0.1  # of a range's width: less is a matter of 255, 256 and the like


def fitting_ranges(found: InputScaling) -> tuple[Range, ...]:
    """What pixels 0 and 255 were in training: one range if that is clear, several if not, none if nothing says."""
    scale, offset = np.array(found.scale), np.array(found.offset)
    if found.mean:
        return _fitting(np.array(found.mean), np.array(found.deviation))
    if (np.abs(scale) <= _SMALL).all() or (np.isclose(np.abs(scale), 1).all() and (offset <= _CENTRE).all()):
        return RANGES[:1]
    fitting = [span for span in RANGES if all(_is_usual(a, b, span) for a, b in zip(scale, offset, strict=True))]
    if len(fitting) == 1:
        return tuple(fitting)
    # (value - mean) / deviation, written out.
    return () if fitting else _fitting(-offset / scale, 1 / np.abs(scale))


def choose_scaling(
    network: keras.Model,
    source: Path,
    scale: tuple[float, ...] | None,
    offset: tuple[float, ...] | None,
    progress: Callable[[str], None],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Scale and offset that make pixels the network's input, each one number or one a channel.

    Args:
        network: one flat graph, from images (batch, height, width, channels).
        source: its file, for messages.
        scale: what was asked for; None for what the network's own layers say.
        offset: likewise.
        progress: is told what was read, and where it contradicts what was asked for.

    Raises:
        InputError: nothing was asked for, and nothing clear is written in the network.
    """
    found = read_scaling(network)
    spans = fitting_ranges(found) if found else ()
    if found and found.is_reversed:
        progress(f"{source}: {' and '.join(found.layers)} turns RGB into BGR itself, so pictures go in as RGB")
    if scale is not None:
        if found and len(spans) == 1:
            _warn_of_other(found, spans[0], source, scale, offset or (0.0,), progress)
        return scale, offset or (0.0,)
    if not found or len(spans) != 1:
        fits = f", which fits pixels of {_either(spans)}" if spans else ""
        read = f" ({found.words()}{fits})" if found else ""
        raise InputError(
            f"how {source} was fed is not written in it{read}; say what a pixel becomes: --input-range 0 1, "
            "--input-range -1 1, --input-range 0 255, --scale and --offset, or --trained-with"
        )
    ((low, high),) = spans
    progress(f"{source}: {found.words()}, so it takes pixels of {low:g} to {high:g}: --input-range {low:g} {high:g}")
    return ((high - low) / 255,), (low,)


def _warn_of_other(
    found: InputScaling,
    span: Range,
    source: Path,
    scale: tuple[float, ...],
    offset: tuple[float, ...],
    progress: Callable[[str], None],
) -> None:
    low, high = np.array(offset), 255 * np.array(scale) + np.array(offset)
    width = span[1] - span[0]
    if max(np.abs(low - span[0]).max(), np.abs(high - span[1]).max()) <= _OTHER * width:
        return
    progress(
        f"warning: {source}: {found.words()}, which fits pixels of {_either([span])}, but it is given "
        f"{numbers(tuple(low))} to {numbers(tuple(high))}: if that is not what it was trained with, they are scaled "
        f"twice; --input-range {span[0]:g} {span[1]:g} gives it what it expects"
    )


def _either(spans: Sequence[Range]) -> str:
    return " and of ".join(f"{low:g} to {high:g}" for low, high in spans)


def _is_usual(scale: float, offset: float, span: Range) -> bool:
    """Whether `span` becomes what networks take."""
    low, high = sorted(scale * end + offset for end in span)
    return any(
        max(abs(low - result[0]), abs(high - result[1])) <= _CLOSE * (result[1] - result[0]) for result in _RESULTS
    )


def _fitting(mean: Array, deviation: Array) -> tuple[Range, ...]:
    """The ranges whose pixels have this mean and deviation: the likeliest, and those that are hardly less likely."""
    odds = []
    for low, high in RANGES:
        middle, spread = (mean - low) / (high - low), deviation / (high - low)
        # Values within a range vary by sqrt(middle * (1 - middle)) at most (Bhatia and Davis, 2000), and those of
        # images by less.
        possible = (middle > 0) & (middle < 1) & (spread**2 <= 0.9 * middle * (1 - middle)) & (spread > 0.02)
        if possible.all():
            distance = ((middle - _MEAN) / _MEAN_SPREAD) ** 2 + (np.log(spread / _DEVIATION) / _LOG_SPREAD) ** 2
            odds.append((float(distance.mean()), (low, high)))
    odds.sort()
    return tuple(span for distance, span in odds if distance < min(_LIKELY, odds[0][0] + _CLEARLY))
