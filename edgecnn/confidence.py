"""How far a model's scores are to be trusted: its temperature, and the lowest score to answer with.

Both are chosen with labelled images that the training did not see. What is told of them is measured on images that the
choice did not see either: on each fifth of the test images, with what the other four, or the validation images, chose.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .min_score import (
    LEAST_COVERAGE,
    WANTED_ERRORS,
    choose_wanted_error,
    score_apart,
    score_of_coverage,
    score_of_error,
)
from .model_file.confidence import HIGHEST, Confidence, HeldOut
from .pixels.dataset import stratified
from .sanity import lower_bound
from .temperature import Labels, Scores, apply_temperature, calibration_error, cross_entropies, fit_temperature, is_gain

FEWEST = 20  # labelled images that say anything
_FOLDS = 5
_HARDLY = 0.99  # of the highest temperature: a search that ends so near it wanted more


@dataclass(frozen=True)
class Answers:
    """What a model says of labelled images.

    Attributes:
        probabilities: (images, classes), as the model gives them.
        labels: int64 (images,), the true classes.
    """

    probabilities: Scores
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, rows: npt.NDArray[np.int64]) -> "Answers":
        """Those of some images."""
        return Answers(self.probabilities[rows], self.labels[rows])

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each answer is right."""
        return np.asarray(self.probabilities.argmax(axis=1) == self.labels)

    def best(self, temperature: float = 1.0) -> npt.NDArray[np.float64]:
        """Best scores, see `best_scores`."""
        return best_scores(self.probabilities, temperature)


@dataclass(frozen=True)
class JudgedScores:
    """What a model's scores are worth.

    Attributes:
        confidence: for its card; None where the images do not tell.
        doubt: why they do not, in words; else empty.
    """

    confidence: Confidence | None
    doubt: str


def best_scores(probabilities: Scores, temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Best scores, (images,), of probabilities (images, classes): floats, which compare as a device's answers do."""
    scaled = probabilities if temperature == 1 else apply_temperature(probabilities, temperature)
    return np.asarray(scaled.max(axis=1), np.float64)


def why_unmeasured(test: Answers, validation: Answers | None = None) -> str:
    """Why nothing can be said of the scores, in words; empty if it can."""
    if len(test) and int(test.labels.min()) < 0:
        return "nobody knows what the images show, so nothing tells how far the scores are to be trusted"
    fewest = min(len(test), len(test if validation is None else validation))
    if not np.isfinite(test.probabilities).all():
        return "its scores are no numbers (NaN)"
    if fewest < FEWEST:
        return f"{fewest} images are too few to tell how far the scores are to be trusted: {FEWEST} are needed at least"
    held_out = validation or test
    best = held_out.probabilities.argmax(axis=1)
    if (best == best[0]).all() and (held_out.labels != held_out.labels[0]).any():
        return f"all {len(best):,} images get one class, so they do not tell how far the scores are to be trusted"
    if fit_temperature(held_out.probabilities, held_out.labels) > _HARDLY * HIGHEST:
        return "they say nothing of the class (spread evenly over all classes they would fit best)"
    return ""


def measure_confidence(
    test: Answers,
    source: HeldOut,
    *,
    validation: Answers | None = None,
    other: Scores | None = None,
    coverage: float | None = None,
) -> Confidence | None:
    """Choose a temperature and a lowest score, and say what they are worth.

    Args:
        test: answers that the figures are of; without `validation` what is chosen is chosen with them, too.
        source: which images it is chosen with.
        validation: answers to choose with.
        other: probabilities, (images, classes), of images that are none of the classes.
        coverage: choose the score that this share of the images reaches, 0 to 1, whatever their mistakes.

    Returns:
        None where the images say nothing, see `why_unmeasured`.
    """
    if why_unmeasured(test, validation):
        return None
    rule = Rule(None, None, coverage)
    measured = _measure(test, validation, other, rule)
    if not is_gain(cross_entropies(test.probabilities, test.labels), measured.losses):
        # What the other folds taught makes them no better: too few images, or scores that are right as they are.
        rule = Rule(1.0, None, coverage)
        measured = _measure(test, validation, other, rule)
    held_out = validation or test
    chosen = choose(held_out, other, rule)
    if coverage is None:
        rule = dataclasses.replace(rule, wanted_error=_wanted_error(test, validation, rule, chosen.temperature))
        chosen, measured = choose(held_out, other, rule), _measure(test, validation, other, rule)
    confidence = Confidence(
        temperature=chosen.temperature,
        source=source,
        images=len(test),
        error_before=calibration_error(test.best(), test.right),
        error_after=calibration_error(measured.scores, test.right),
        wanted_error=rule.wanted_error,
        min_score=chosen.min_score,
        other_images=0 if other is None else len(other),
    )
    if chosen.min_score is None or not (measured.everywhere and measured.kept.any()):  # what holds for some is chance
        return dataclasses.replace(confidence, min_score=None)
    return _with_figures(confidence, measured, test.right)


def _wanted_error(test: Answers, validation: Answers | None, rule: "Rule", temperature: float) -> float | None:
    """The share of wrong answers to aim at, see `choose_wanted_error`, that the folds of the test images keep to, too.

    They choose with fewer images, which may be too few for as small a share as all of them allow.
    """
    held_out = validation or test
    smallest = choose_wanted_error(held_out.best(temperature), held_out.right)
    if validation is not None:  # which all folds choose with: what they would find again is known
        rule = dataclasses.replace(rule, temperature=temperature)
    for wanted in WANTED_ERRORS:
        if smallest is not None and wanted >= smallest:
            found = _measure(test, validation, None, dataclasses.replace(rule, wanted_error=wanted))
            if found.everywhere and found.kept.mean() >= LEAST_COVERAGE:
                return wanted
    return smallest


@dataclass(frozen=True)
class Rule:
    """How a temperature and a lowest score are chosen.

    Attributes:
        temperature: this one; None for that of the least loss.
        wanted_error: the score keeps mistakes among the answers as rare as this, 0 to 1; None if it need not.
        coverage: it is reached by this share of the images, whatever their mistakes; None if it need not be.
    """

    temperature: float | None = None
    wanted_error: float | None = None
    coverage: float | None = None


@dataclass(frozen=True)
class Chosen:
    """A temperature, and with it the lowest score to answer with; None where no score will do."""

    temperature: float
    min_score: float | None


def choose(held_out: Answers, other: Scores | None, rule: Rule) -> Chosen:
    """Choose by a rule; with `other` images no lower a score than tells best them and these apart, if one does."""
    temperature = rule.temperature
    if temperature is None:
        temperature = fit_temperature(held_out.probabilities, held_out.labels)
    scores = held_out.best(temperature)
    if rule.coverage is not None:
        return Chosen(temperature, score_of_coverage(scores, rule.coverage))
    found = None if rule.wanted_error is None else score_of_error(scores, held_out.right, rule.wanted_error)
    if other is not None and len(other):
        apart = score_apart(scores, best_scores(other, temperature))
        found = None if apart is None else max(found or 0.0, apart)
    return Chosen(temperature, found)


@dataclass(frozen=True)
class _Measured:
    """What each fold of the test images made of what was chosen without it.

    Attributes:
        scores: best scores (images,).
        kept: whether each reaches the lowest score.
        other_kept: likewise of the other images.
        losses: cross-entropies (images,).
        everywhere: whether every fold had a lowest score.
    """

    scores: npt.NDArray[np.float64]
    kept: npt.NDArray[np.bool_]
    other_kept: npt.NDArray[np.bool_]
    losses: npt.NDArray[np.float64]
    everywhere: bool


def _measure(test: Answers, validation: Answers | None, other: Scores | None, rule: Rule) -> _Measured:
    scores, losses, kept = np.empty(len(test)), np.empty(len(test)), np.zeros(len(test), bool)
    other_kept = np.zeros(0 if other is None else len(other), bool)
    everywhere = True
    order, turn = stratified(test.labels, len(test), 0), np.arange(len(other_kept)) % _FOLDS
    for fold in range(_FOLDS):
        here, there = order[fold::_FOLDS], np.delete(order, np.s_[fold::_FOLDS])
        without = None if other is None else other[turn != fold]
        chosen = choose(validation or test.rows(there), without, rule)
        scaled = apply_temperature(test.probabilities[here], chosen.temperature)
        scores[here] = scaled.max(axis=1)
        losses[here] = cross_entropies(scaled, test.labels[here])
        everywhere &= chosen.min_score is not None
        if chosen.min_score is not None:
            kept[here] = scores[here] >= chosen.min_score
        if chosen.min_score is not None and other is not None:
            other_kept[turn == fold] = best_scores(other[turn == fold], chosen.temperature) >= chosen.min_score
    return _Measured(scores, kept, other_kept, losses, everywhere)


def _with_figures(confidence: Confidence, measured: _Measured, right: npt.NDArray[np.bool_]) -> Confidence:
    kept, wrong = int(measured.kept.sum()), int((measured.kept & ~right).sum())
    return dataclasses.replace(
        confidence,
        coverage=kept / len(right),
        error=wrong / kept,
        error_low=lower_bound(wrong, kept),
        error_high=1 - lower_bound(kept - wrong, kept),
        other_accepted=float(measured.other_kept.mean()) if len(measured.other_kept) else None,
    )
