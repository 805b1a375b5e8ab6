"""Reliability and its error, beside a slow oracle."""

import numpy as np
import pytest

from edgecnn.train.report.calibration import BINS, calibration_error, reliability


def test_bins_and_error_are_those_of_the_formula() -> None:
    generator = np.random.default_rng(5)
    scores = generator.uniform(0.1, 1, 400).astype(np.float32)
    scores[:2] = 1.0, 0.0
    right = generator.uniform(size=400) < 0.8 * scores
    error = 0.0
    for number, (images, mean, share) in enumerate(reliability(scores, right)):
        low, high = number / BINS, (number + 1) / BINS
        inside = (scores > low if number else scores >= low) & (scores <= np.float32(high))
        assert images == inside.sum()
        if images:
            assert mean == pytest.approx(scores[inside].mean(), rel=1e-6) and share == right[inside].mean()
            error += images / 400 * abs(scores[inside].mean() - right[inside].mean())
    assert calibration_error(scores, right) == pytest.approx(error, rel=1e-5)


def test_scores_that_are_right_as_often_as_they_say_have_no_error() -> None:
    scores, right = np.repeat([0.5, 0.75], 4), np.array([1, 0, 1, 0, 1, 1, 1, 0], bool)
    assert calibration_error(scores, right) == 0
    assert calibration_error(np.ones(4), np.zeros(4, bool)) == 1
