"""The lowest score to answer with, below which an image is better called unknown."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .errors import InputError

WANTED_ERRORS = (0.01, 0.02, 0.05, 0.1)  # shares of wrong answers to choose a score for, the best first
LEAST_COVERAGE = 0.5  # for a better share, more images than this must not be called unknown
_POINTS = 20  # of the risk-coverage curve

Scores = npt.NDArray[np.floating]
Right = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class CurvePoint:
    """A score, the share of images that reach it, and the share of wrong answers among these; all 0 to 1."""

    score: float
    coverage: float
    error: float


def choose_wanted_error(scores: Scores, right: Right) -> float | None:
    """The smallest of `WANTED_ERRORS` that a lowest score keeps to with half of the images answered; None if none.

    Args:
        scores: best scores (images,) of labelled images.
        right: whether each answer is right, (images,).
    """
    _, kept, wrong = _curve(scores, right)
    enough = kept >= LEAST_COVERAGE * len(scores)
    return next((wanted for wanted in WANTED_ERRORS if (_keeps_to(wanted, kept, wrong) & enough).any()), None)


def score_of_error(scores: Scores, right: Right, wanted: float) -> float | None:
    """The lowest best score with at most the share `wanted` of mistakes among the images that reach it.

    One image more than there are is counted, a wrong one (conformal risk control, Angelopoulos et al. 2022): that a few
    images are all right proves little.

    Returns:
        0 where every image may be answered; None where no score keeps to it.
    """
    levels, kept, wrong = _curve(scores, right)
    fits = np.flatnonzero(_keeps_to(wanted, kept, wrong))
    return _between(levels, int(fits[-1])) if len(fits) else None


def score_of_coverage(scores: Scores, coverage: float) -> float:
    """The score that nearest the share `coverage` of the images reaches."""
    levels = np.unique(scores)[::-1]
    return _between(levels, int(np.abs(_reaching(scores, levels) / len(scores) - coverage).argmin()))


def score_apart(scores: Scores, other: Scores) -> float | None:
    """The score that tells best images of the classes from `other` ones: the shares of both that reach it differ most.

    This is Youden's J (1950). Best scores, (images,), of both; None where no score is reached by more of the classes'.
    """
    levels = np.unique(np.concatenate([scores, other]))[::-1]
    gain = _reaching(scores, levels) / len(scores) - _reaching(other, levels) / len(other)
    return _between(levels, int(gain.argmax())) if gain.max() > 0 else None


def risk_coverage(scores: Scores, right: Right) -> list[CurvePoint]:
    """What a lowest score costs and gives, at up to 20 of them, falling; the last keeps every image."""
    levels, kept, wrong = _curve(scores, right)
    wanted = np.linspace(0, len(scores), _POINTS + 1)[1:]
    rows = np.unique(np.searchsorted(kept, wanted))
    return [
        CurvePoint(float(levels[row]), float(kept[row] / len(scores)), float(wrong[row] / kept[row])) for row in rows
    ]


def area_under_curve(known: Scores, other: Scores) -> float:
    """AUROC: how often an image of the classes has a higher best score than another one; ties count half.

    Args:
        known: best scores (images,) of images of the classes.
        other: likewise of images that are none of them.

    Raises:
        InputError: there are none of one kind.
    """
    if not len(known) or not len(other):
        raise InputError("telling images apart takes some of the classes and some that are none of them")
    ordered = np.sort(known)
    below = np.searchsorted(ordered, other, "left") + np.searchsorted(ordered, other, "right")
    return float(1 - below.mean() / 2 / len(known))


def _curve(scores: Scores, right: Right) -> tuple[Scores, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The scores that occur, falling; how many images reach each, and how many of these are answered wrongly."""
    levels = np.unique(scores)[::-1]
    return levels, _reaching(scores, levels), _reaching(scores[~right], levels)


def _keeps_to(wanted: float, kept: npt.NDArray[np.int64], wrong: npt.NDArray[np.int64]) -> Right:
    return np.asarray(wrong + 1 <= wanted * (kept + 1))


def _reaching(scores: Scores, levels: Scores) -> npt.NDArray[np.int64]:
    return np.asarray(len(scores) - np.searchsorted(np.sort(scores), levels, "left"), np.int64)


def _between(levels: Scores, row: int) -> float:
    """A round number that keeps what `levels[row]` keeps, as far from that and the next lower level as it can be.

    So a machine that computes one 8-bit step, or the last digit of a float, otherwise keeps the same images.
    """
    if row + 1 == len(levels):
        return 0.0
    high, low = float(levels[row]), float(levels[row + 1])
    middle = (high + low) / 2
    return next((found for digits in (2, 3, 4, 6) if low < (found := round(middle, digits)) <= high), high)
