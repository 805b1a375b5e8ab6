"""Whether two ways to compute a model agree: what `verify`, the probes at load and an audit go by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.schemes import SCHEMES
from edgecnn.rounding import round_apart

# Of a file that does not say how it was quantized; no scheme has a larger one.
_LARGEST_TOLERANCE = max(row.tolerance for row in SCHEMES.values())


@dataclass(frozen=True)
class Agreement:
    """How far probabilities are from those that they should be.

    Attributes:
        images: how many were compared.
        top1_equal: how many have the same top-1.
        flipped: how many have another one though they were decided: by more than twice the tolerance.
        max_difference: largest difference of a probability.
        tolerance: what healthy kernels may differ by.
    """

    images: int
    top1_equal: int
    flipped: int
    max_difference: float
    tolerance: float

    @property
    def off_by(self) -> str:
        """The largest difference in words, told from the tolerance."""
        return round_apart(self.tolerance, self.max_difference, "g")

    @property
    def passed(self) -> bool:
        """No decided top-1 flips, every probability within the tolerance."""
        return not self.flipped and self.max_difference <= self.tolerance  # which NaN is not


def tolerance_of(card: ModelCard | None) -> float:
    """The largest difference of a probability that healthy kernels show."""
    return SCHEMES[card.quantization.scheme].tolerance if card else _LARGEST_TOLERANCE


def compare(here: npt.NDArray[np.float32], expected: npt.NDArray[np.float32], tolerance: float) -> Agreement:
    """Compare probabilities, both (images, classes)."""
    ordered = np.sort(expected, axis=1)
    decided = ordered[:, -1] - ordered[:, -2] > 2 * tolerance
    equal = here.argmax(axis=1) == expected.argmax(axis=1)
    return Agreement(
        images=len(here),
        top1_equal=int(equal.sum()),
        flipped=int((decided & ~equal).sum()),
        max_difference=float(np.abs(here - expected).max()),
        tolerance=tolerance,
    )
