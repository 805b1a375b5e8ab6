"""What a model's scores are worth, in lines for people."""

from typing import TYPE_CHECKING

from . import printing

if TYPE_CHECKING:
    from edgecnn.model_file.confidence import Confidence

_SOURCES = {"validation": "validation images", "test": "test images", "representative": "images of --representative"}


def lines(confidence: "Confidence | None", doubt: str = "") -> list[str]:
    """Its temperature, and the advice to answer `unknown` below a score.

    Args:
        confidence: what the card says.
        doubt: why it says nothing.
    """
    if confidence is None:
        return [f"scores are as the network gives them: {doubt}"] if doubt else []
    chosen = _SOURCES[confidence.source]
    if confidence.temperature == 1:
        error = f"expected calibration error {confidence.error_before:.1%}"
        calibrated = (
            f"scores are as the network gives them: no temperature chosen with {chosen} makes them clearly better"
        )
    else:
        error = f"expected calibration error {confidence.error_before:.1%}, with it {confidence.error_after:.1%}"
        calibrated = f"temperature {confidence.temperature:.3g}, chosen with {chosen}"
    return [f"{calibrated}; {error} on {confidence.images:,} images", _advice(confidence)]


def _advice(confidence: "Confidence") -> str:
    if confidence.min_score is None:
        return f"no lowest score is recommended: {confidence.why_no_score}"
    aim = "" if confidence.wanted_error is None else f", for {confidence.wanted_error:.0%} of wrong answers"
    words = f"--min-score auto is {confidence.min_score:.4g}{aim}: it answers {printing.percent(confidence.coverage)}"
    if confidence.error is not None:
        low, high = printing.percent(confidence.error_low), printing.percent(confidence.error_high)
        words += f", {printing.percent(confidence.error)} of these wrongly (95 % interval {low} to {high})"
    words += ", and calls the others unknown"
    if confidence.other_accepted is not None:
        accepted = printing.percent(confidence.other_accepted)
        words += f"; of {confidence.other_images:,} images of no class the trained network answers {accepted}"
    return words
