"""What a classifier says of an image."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

UNKNOWN = "unknown"  # the label of an image whose best score is too low; a model may have a class of that name, too


@dataclass(frozen=True)
class Prediction:
    """A class and its probability (0 to 1); `index` is its place in the model's output.

    Attributes:
        is_known: false where the score is below the lowest to answer with: the label is then `unknown`, and score and
            index are those of the class that came closest.
    """

    label: str
    score: float
    index: int
    is_known: bool = field(default=True, repr=False)

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


def reject_below(predictions: Sequence[Prediction], min_score: float) -> Predictions:
    """Predictions of one image, the first of which is `unknown` if its score is below `min_score`, 0 to 1."""
    best, *others = predictions
    if best.score < min_score:
        best = replace(best, label=UNKNOWN, is_known=False)
    return Predictions((best, *others))


def are_probabilities(scores: npt.NDArray[np.float32], step: float) -> bool:
    """Whether scores, float32 (classes,), are not below 0 and sum to 1.

    Args:
        scores: of one image.
        step: real units per integer step of the output; 0 of one in floats.
    """
    # Quantized scores are rounded, each by up to half a step: a thousand small ones may all be 0.
    slack = 0.1 + len(scores) * step / 2
    return bool(scores.min() >= 0 and abs(float(scores.sum()) - 1) <= slack)
