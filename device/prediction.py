"""What a classifier says of an image."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError


@dataclass(frozen=True)
class Prediction:
    """A class and its probability (0 to 1); `index` is its place in the model's output."""

    label: str
    score: float
    index: int

    def _repr_html_(self) -> str:
        """A table of one row, for notebooks."""
        return Predictions((self,))._repr_html_()


class Predictions(tuple[Prediction, ...]):
    """Predictions of one image, best first: a tuple that notebooks show as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from html import escape

        from edgecnn.printable import printable

        rows = "".join(
            f"<tr><td>{escape(printable(one.label))}</td><td>{one.score:.1%}</td>"
            f'<td><meter min="0" max="1" value="{one.score:.4f}"></meter></td></tr>'
            for one in self
        )
        return (
            f"<table><thead><tr><th>class</th><th>probability</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        )


def require_numbers(scores: npt.NDArray[np.float32]) -> None:
    """Make sure that scores, float32 (classes,), are numbers.

    Raises:
        ModelFileError: they are not.
    """
    if not np.isfinite(scores).all():
        raise ModelFileError("the model gives scores that are no numbers (NaN); take another, or copy it again")


def are_probabilities(scores: npt.NDArray[np.float32], step: float) -> bool:
    """Whether scores, float32 (classes,), are not below 0 and sum to 1.

    Args:
        scores: of one image.
        step: real units per integer step of the output; 0 of one in floats.
    """
    # Quantized scores are rounded, each by up to half a step: a thousand small ones may all be 0.
    slack = 0.1 + len(scores) * step / 2
    return bool(scores.min() >= 0 and abs(float(scores.sum()) - 1) <= slack)
