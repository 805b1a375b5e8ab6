"""How far two histograms are apart: the population stability index, and what of it chance alone would make.

PSI = sum over the bins of (p - q) ln(p / q), of the shares p and q: the divergence of Jeffreys, which credit scoring
calls so. Below 0.1 little is thought to have changed, above 0.25 much (Siddiqi, Credit Risk Scorecards, 2006). Of two
samples of one population it is about (1/n + 1/m) times a chi-squared of bins - 1 degrees of freedom (Yurdakul and
Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation 14(4), 2020): never
0, and larger the fewer images there are. So each index here comes with an interval, of a bootstrap that draws both
histograms anew from multinomials and takes off what it adds itself (the basic bootstrap: Davison and Hinkley, 1997,
section 5.2).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 400
_FEWEST = 5.0  # images that a bin should have (Cochran, 1954); rarer classes are counted together
_HALF = 0.5  # an image more in each bin: no share is 0 (Jeffreys' prior)


@dataclass(frozen=True)
class Index:
    """A population stability index.

    Attributes:
        psi: 0 for histograms that are alike.
        low: lower end of its interval of 95 %.
        high: upper end.
    """

    psi: float
    low: float
    high: float


def psi(here: Floats, there: Floats) -> Floats:
    """The index of shares.

    Args:
        here: float64 (..., bins), above 0, of sum 1.
        there: likewise.

    Returns:
        float64 (...).
    """
    index: Floats = ((here - there) * np.log(here / there)).sum(axis=-1)
    return index


def shares(counts: Floats) -> Floats:
    """Shares of counts, float64 (..., bins); none of them is 0."""
    filled: Floats = counts + _HALF
    filled /= filled.sum(axis=-1, keepdims=True)
    return filled


def bins_of(expected: Floats) -> npt.NDArray[np.intp]:
    """The bin that each class is counted in: one of its own, or for rare ones one for all of them.

    Args:
        expected: images of each class that are expected, float64 (classes,).

    Returns:
        numbers from 0, (classes,), the common bin last.
    """
    is_own = expected >= _FEWEST
    numbers = np.cumsum(is_own) - 1
    return np.where(is_own, numbers, int(is_own.sum())).astype(np.intp)


def merged(counts: Floats, bins: npt.NDArray[np.intp]) -> Floats:
    """Counts by bin, float64 (..., bins), of counts by class, float64 (..., classes)."""
    order = np.argsort(bins, kind="stable")
    starts = np.searchsorted(bins[order], np.arange(int(bins.max()) + 1))
    return np.add.reduceat(counts[..., order], starts, axis=-1)


def worth(frames: int, classes: npt.NDArray[np.int64], compared: int | None, switches: int | None) -> float:
    """How many images of their own the frames of a camera are worth, for shares of classes.

    Frames that follow one another show the same scene. As a sequence that repeats its last class with probability r and
    else draws one anew (a DAR(1) process: Jacobs and Lewis, 1978), n frames tell as much of the shares as
    n (1 - r) / (1 + r) that are independent, and r follows from how often the class changes: (1 - r) (1 - sum of p²).

    Args:
        frames: how many there are.
        classes: of each class, int64 (classes,).
        compared: frames that another one came before; None, or 0, where that is not known: then each counts.
        switches: how many of those have another class.

    Returns:
        1 to `frames`, or 0 for none.
    """
    if not frames or not compared or switches is None:
        return float(frames)
    p = classes / max(int(classes.sum()), 1)
    chance = 1 - float((p * p).sum())
    fresh = switches / compared / chance if chance > 0 else 0.0
    fresh = min(fresh, 1.0)
    return min(float(frames), max(1.0, frames * fresh / (2 - fresh)))


def basic_interval(point: float, drawn: Floats) -> Index:
    """The interval of the basic bootstrap, with `point` in it; no index is below 0."""
    low, high = (2 * point - float(end) for end in np.quantile(drawn, [0.975, 0.025]))
    return Index(point, max(0.0, min(low, point)), max(high, point))
