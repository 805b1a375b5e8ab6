"""What the figures of a layer that breaks speak for."""

from collections.abc import Sequence

import numpy as np

from edgecnn.model_file.card import PROBABILITIES, LayerRange

from .finding import Cause
from .layer_figures import LayerFigures
from .operator_fault import CONVERT_AGAIN

_SATURATED = 0.01
_DWARFED = 30.0  # int8 has 255 steps: of a channel a thirtieth as large as another, 8 are left
PROPORTIONAL = 0.9  # cosine
_GAIN = 1.5
# Of 12 healthy files no layer was off by more than 1.4 steps.
_ROUNDED_STEPS = 4.0
# A fault costs its layer far more than that; of deep networks each layer loses a little of what the last ones left.
_LITTLE_DB = 6.0
_LAST = 3
CALIBRATED_SLACK = 0.1  # of the range that a calibration saw, which the tensor may lack
_SCALE_DOWN = "scale that channel down, or"
# Schemes with finer activations than a scheme, and with finer weights; of the others float16 is both.
_FINER = {
    "int8": "use --int16x8 or --float16", "mixed": "use --int16x8 or --float16", "float16": "use --float32",
    "float32": "update the runtime",
}  # fmt: skip


def finer_steps(scheme: str, takes_16_bits: bool = True) -> str:
    """What to do where the activations of a scheme are too coarse, for a network that --int16x8 takes or not."""
    finer = _FINER.get(scheme, "use --float16")
    return finer if takes_16_bits else finer.replace("--int16x8 or ", "")


def _finer_weights(scheme: str) -> str:
    return "use --float32" if scheme == "float16" else "use --float16"


def precision(layer: LayerFigures) -> float:
    """The layer's SQNR in dB, or its channels' median where that is lower."""
    # The classes of the output are not channels: those that hardly occur are hardly resolved, and need not be.
    return layer.sqnr_db if layer.name == PROBABILITIES else min(layer.sqnr_db, layer.channel_sqnr_db)


def is_saturated(layer: LayerFigures) -> bool:
    """Whether more values than chance explains are at the end of the tensor's range."""
    return layer.saturated > _SATURATED


def dwarfing_channel(layer: LayerFigures) -> str:
    """The channel that is far larger than the others, in words; empty where none is."""
    peaks = np.array(layer.channel_peaks)
    alive = peaks[peaks > 0]
    if not len(alive) or peaks.max() <= _DWARFED * np.median(alive):
        return ""
    median = f"the others {np.median(alive):.4g} in the median"
    return f"channel {int(peaks.argmax())} reaches {peaks.max():.4g}, {median}"


def cause_of_coarse_weights(layers: Sequence[LayerFigures], scheme: str) -> tuple[LayerFigures, Cause, str]:
    """Why weights that are right but rounded spoil the last of `layers`: that or one before it, cause, and words."""
    advice = _finer_weights(scheme)
    for layer in layers:
        dwarfing = dwarfing_channel(layer)
        if dwarfing:
            words = f"{dwarfing}: the weights that take the large one are rounded away; {_SCALE_DOWN} {advice}"
            return layer, "dwarfed", words
    return layers[-1], "noise", f"it suffers when nothing but weights are rounded: they are too coarse; {advice}"


def cause_of(
    layer: LayerFigures,
    scheme: str,
    weights_are_right: bool,
    calibrated: Sequence[LayerRange],
    before: Sequence[LayerFigures] = (),
    takes_16_bits: bool = True,
) -> tuple[Cause, str]:
    """What the figures of the first broken layer speak for: the cause in a word, and the rest of a sentence.

    Args:
        layer: the figures.
        scheme: of the file.
        weights_are_right: whether the file's weights were found to be Keras', so that it cannot be they.
        calibrated: which values its calibration saw in each layer, by the file's card.
        before: the layers before this one, of the same file.
        takes_16_bits: whether the network can be converted to --int16x8.
    """
    finer = finer_steps(scheme, takes_16_bits)
    adds_up = any(precision(each) - precision(layer) < _LITTLE_DB for each in before[-_LAST:])
    here, in_keras = (f"{low:.4g} to {high:.4g}" for low, high in (layer.range, layer.keras_range))
    if layer.cosine > PROPORTIONAL and not 1 / _GAIN < abs(layer.gain) < _GAIN:
        return _other_function(f"its values are {layer.gain:,.4g} times Keras'", weights_are_right)
    if is_saturated(layer) and layer.name != PROBABILITIES:  # a sure answer is at the end of its range
        seen = next((each for each in calibrated if each.name == layer.name), None)
        slack = CALIBRATED_SLACK * (seen.high - seen.low) if seen else 0.0
        if seen and not layer.range[0] - slack <= seen.low <= seen.high <= layer.range[1] + slack:
            return "conversion", (
                f"{layer.saturated:.1%} of its values are at the end of its range of {here}, though it was "
                f"made for {seen.low:.4g} to {seen.high:.4g}: the range was changed afterwards; {CONVERT_AGAIN}"
            )
        return "saturated", (
            f"{layer.saturated:.1%} of its values are at the end of its range of {here}, in Keras they go from "
            f"{in_keras}; calibrate with images like those it will see (--calibration-images)"
        )
    if layer.error_steps > _ROUNDED_STEPS and not adds_up:
        return _other_function(
            f"its values are off by {layer.error_steps:.0f} steps of its tensor, more than rounding explains",
            weights_are_right,
        )
    dwarfing = dwarfing_channel(layer)
    if dwarfing:
        return (
            "dwarfed",
            f"{dwarfing}: one range for all leaves these without steps; {_SCALE_DOWN} {finer}",
        )
    if layer.lost_channels:
        return "dead", (
            f"channels {', '.join(map(str, layer.lost_channels[:8]))} vary in Keras and are constant here: their "
            f"values are smaller than a step; {finer}"
        )
    if adds_up:
        first = f"{before[0].name} has {precision(before[0]):z.1f} dB"
        return "noise", f"the roundings of {len(before) + 1} layers add up, {first}; {finer}"
    if layer.cosine < 0.5:
        return _other_function("its values have nothing to do with Keras'", weights_are_right)
    return "noise", f"its range of {here} is too coarse for values from {in_keras}; {finer}"


def _other_function(what: str, weights_are_right: bool) -> tuple[Cause, str]:
    """Of values that no rounding explains: what is left to be wrong."""
    if weights_are_right:
        return (
            "conversion",
            f"{what}, though the file's weights are Keras': the layer computes otherwise; {CONVERT_AGAIN}",
        )
    return "weights", f"{what}: its weights are others; {CONVERT_AGAIN}"
