"""Whether probabilities agree, and what is said where they do not."""

import numpy as np
import pytest

from edgecnn.device.runtime.agreement import compare


@pytest.mark.parametrize(
    ("difference", "passes", "said"),
    [(0.04, True, "0.04"), (0.0996, True, "0.0996"), (0.1004, False, "0.1004"), (0.47, False, "0.47")],
)
def test_a_difference_is_told_from_what_is_allowed(difference: float, passes: bool, said: str) -> None:
    expected = np.array([[0.5, 0.5]], np.float32)
    found = compare(expected + np.array([[difference, -difference]], np.float32), expected, 0.1)
    assert (found.passed, found.off_by[: len(said)]) == (passes, said)


def test_what_is_no_number_agrees_with_nothing() -> None:
    found = compare(np.array([[np.nan, 0.5]], np.float32), np.array([[0.5, 0.5]], np.float32), 0.1)
    assert not found.passed and found.off_by == "nan"


@pytest.mark.parametrize(("best", "flipped"), [(0.59, 0), (0.62, 1)])
def test_another_best_class_counts_where_it_was_decided(best: float, flipped: int) -> None:
    expected = np.array([[best, 1 - best]], np.float32)
    found = compare(expected[:, ::-1], expected, 0.1)
    assert (found.top1_equal, found.flipped) == (0, flipped)
