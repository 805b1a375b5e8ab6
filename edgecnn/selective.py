"""How well a classifier does that may answer unknown, and how well it tells images that are none of its classes."""

from dataclasses import dataclass

from .confidence import Answers, best_scores
from .min_score import area_under_curve
from .sanity import lower_bound
from .temperature import Scores, calibration_error


@dataclass(frozen=True)
class SelectiveFigures:
    """Figures over labelled images, and over images that are none of the classes; shares are 0 to 1.

    Attributes:
        calibration_error: expected calibration error of the scores, in 15 bins.
        min_score: the lowest best score that is answered with; None where every image is.
        answered: share of the labelled images that reach it.
        error: share of wrong answers among them; None, like the two that follow, where there are none.
        error_low: lower end of its 95 % Wilson interval.
        error_high: upper end.
        other_images: how many images that are none of the classes.
        auroc: how often an image of the classes has a higher best score than one of them; None without any.
        other_answered: share of them that reach `min_score`; None without any.
    """

    calibration_error: float
    min_score: float | None
    answered: float
    error: float | None
    error_low: float | None
    error_high: float | None
    other_images: int = 0
    auroc: float | None = None
    other_answered: float | None = None


def measure_selective(answers: Answers, min_score: float | None, other: Scores | None = None) -> SelectiveFigures:
    """Measure a classifier that answers unknown below `min_score`.

    Args:
        answers: what it says of labelled images, as it tells it: with its temperature.
        min_score: the lowest best score to answer with; None to answer always.
        other: what it says of images that are none of its classes, (images, classes).
    """
    scores, least = answers.best(), min_score or 0.0
    kept = scores >= least
    answered, wrong = int(kept.sum()), int((kept & ~answers.right).sum())
    others = None if other is None else best_scores(other)
    return SelectiveFigures(
        calibration_error=calibration_error(scores, answers.right),
        min_score=min_score,
        answered=answered / len(answers),
        error=wrong / answered if answered else None,
        error_low=lower_bound(wrong, answered) if answered else None,
        error_high=1 - lower_bound(answered - wrong, answered) if answered else None,
        other_images=0 if others is None else len(others),
        auroc=None if others is None else area_under_curve(scores, others),
        other_answered=None if others is None else float((others >= least).mean()),
    )
