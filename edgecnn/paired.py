"""Two classifiers on the same labelled images: which is better, or how many images it would take to tell."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

CHANCE = 0.05  # what chance alone does more rarely than this counts as shown
POWER = 0.8  # how often `images_needed` images would show a difference that is there
_Z = NormalDist().inv_cdf(1 - CHANCE / 2)

Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PairedComparison:
    """What images that both classifiers answered say of the two.

    Attributes:
        images: how many.
        both: how many both get right.
        only_first: how many the first alone gets right.
        only_second: how many the second alone gets right.
        neither: how many none of them does.
    """

    images: int
    both: int
    only_first: int
    only_second: int
    neither: int

    @classmethod
    def of(cls, first: Right, second: Right) -> "PairedComparison":
        """Count them; both bool (images,): whether each answer is right."""
        both, neither = int((first & second).sum()), int((~first & ~second).sum())
        return cls(len(first), both, int((first & ~second).sum()), int((~first & second).sum()), neither)

    @property
    def difference(self) -> float:
        """Accuracy of the second less that of the first, -1 to 1."""
        return (self.only_second - self.only_first) / self.images

    @property
    def mcnemar_p(self) -> float:
        """How often two equally good classifiers differ so, or more: McNemar's exact test (1947), two-sided."""
        differing = self.only_first + self.only_second
        term, tail = 1, 0
        for k in range(min(self.only_first, self.only_second) + 1):
            tail += term
            term = term * (differing - k) // (k + 1)
        return min(1.0, 2 * tail / (1 << differing))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `difference`.

        Bonett and Price's adjusted Wald interval for paired shares (Statistical Methods in Medical Research 21, 2012).
        """
        total = self.images + 2
        first, second = (self.only_first + 1) / total, (self.only_second + 1) / total
        half = _Z * math.sqrt((first + second - (second - first) ** 2) / total)
        return max(-1.0, second - first - half), min(1.0, second - first + half)

    @property
    def better(self) -> int | None:
        """Which one is better, 0 or 1; None where these images cannot tell."""
        if self.mcnemar_p >= CHANCE:
            return None
        return int(self.difference > 0)

    @property
    def images_needed(self) -> int | None:
        """How many images would tell, were the two as different as here; None where they do already, or are equal.

        Connor's formula (Biometrics 43, 1987) for a power of 80 %.
        """
        if not self.difference or self.better is not None:
            return None
        differing, difference = (self.only_first + self.only_second) / self.images, abs(self.difference)
        spread = math.sqrt(max(0.0, differing - difference**2))
        root = (_Z * math.sqrt(differing) + NormalDist().inv_cdf(POWER) * spread) / difference
        return max(self.images + 1, math.ceil(root**2))
