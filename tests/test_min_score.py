"""The lowest score to answer with: by mistakes, by coverage, and against images of no class."""

import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.min_score import (
    area_under_curve,
    choose_wanted_error,
    risk_coverage,
    score_apart,
    score_of_coverage,
    score_of_error,
)
from tests.support.scored import in_8_bits, overconfident


def test_it_is_the_lowest_that_keeps_mistakes_rare() -> None:
    answers = overconfident(3000, 1.0)
    scores, right = answers.best(), answers.right
    found = score_of_error(scores, right, 0.05)
    assert found is not None

    def mistakes(least: float) -> float:
        kept = right[scores >= least]
        return (int((~kept).sum()) + 1) / (len(kept) + 1)

    assert mistakes(found) <= 0.05
    assert all(mistakes(float(lower)) > 0.05 for lower in scores[scores < found])


def test_few_images_without_a_mistake_do_not_promise_one_in_a_hundred() -> None:
    scores, right = np.linspace(0.5, 0.99, 30, dtype=np.float32), np.ones(30, bool)
    assert score_of_error(scores, right, 0.01) is None
    assert choose_wanted_error(scores, right) == 0.05 and score_of_error(scores, right, 0.05) == 0


def test_a_share_of_mistakes_that_costs_more_than_half_of_the_answers_is_not_aimed_at() -> None:
    scores = np.linspace(0, 1, 1000, dtype=np.float32)
    right = np.ones(1000, bool)
    right[:600:20] = False  # the upper 40 % are all right, of the lower ones every twentieth is wrong
    assert choose_wanted_error(scores, right) == 0.02
    assert choose_wanted_error(scores, np.arange(1000) % 2 == 0) is None


@pytest.mark.parametrize(("bits", "apart"), [(32, 1e-4), (8, 1e-3)])
def test_the_score_lies_between_two_that_occur(bits: int, apart: float) -> None:
    answers = overconfident(2000, 2.0) if bits == 32 else in_8_bits(overconfident(2000, 2.0))
    scores = answers.best()
    found = score_of_error(scores, answers.right, 0.1)
    assert found is not None
    kept = scores[scores >= found].min()
    below = scores[scores < found].max()
    assert min(kept - found, found - below) > apart


def test_a_coverage_is_met_as_nearly_as_ties_allow() -> None:
    scores = np.array([0.1, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9], np.float32)
    assert [float((scores >= score_of_coverage(scores, share)).mean()) for share in (0.2, 0.84, 0.87, 1)] == [
        0.8, 0.8, 0.9, 1,
    ]  # fmt: skip


def test_images_of_no_class_are_kept_out_where_their_scores_are_lower() -> None:
    known, other = np.array([0.7, 0.8, 0.9, 0.95]), np.array([0.2, 0.6, 0.69])
    apart = score_apart(known, other)
    assert apart is not None and other.max() < apart <= known.min()
    assert score_apart(other, known) is None and score_apart(known, known) is None
    assert area_under_curve(known, other) == 1 and area_under_curve(other, known) == 0


def test_auroc_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(5)
    known, other = (np.round(rng.beta(a, 2, n), 1).astype(np.float32) for a, n in ((4, 60), (2, 41)))
    pairs = [1.0 if k > o else 0.5 if k == o else 0.0 for k in known for o in other]
    assert area_under_curve(known, other) == pytest.approx(np.mean(pairs))
    with pytest.raises(InputError, match="some that are none of them"):
        area_under_curve(known, other[:0])


def test_the_curve_ends_with_every_image() -> None:
    answers = in_8_bits(overconfident(500, 1.5))
    curve = risk_coverage(answers.best(), answers.right)
    assert len(curve) <= 20 and [p.score for p in curve] == sorted((p.score for p in curve), reverse=True)
    assert curve[-1].coverage == 1 and curve[-1].error == pytest.approx(1 - answers.right.mean())
    for point in curve:
        kept = answers.best() >= point.score
        assert point.coverage == kept.mean() and point.error == pytest.approx((~answers.right[kept]).mean())
