"""A classifier that may answer unknown is measured on what it answers."""

import numpy as np
import pytest

from edgecnn.confidence import Answers
from edgecnn.selective import measure_selective

ANSWERS = Answers(np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.3, 0.7]], np.float32), np.array([0, 1, 1, 0]))


def test_mistakes_are_counted_among_the_answers() -> None:
    found = measure_selective(ANSWERS, 0.65)
    assert found.answered == 0.75 and found.error == pytest.approx(1 / 3)
    assert found.error_low is not None and found.error_high is not None
    assert found.error_low == pytest.approx(0.0615, abs=1e-3) and found.error_high == pytest.approx(0.7923, abs=1e-3)
    assert measure_selective(ANSWERS, None).answered == 1


def test_where_nothing_is_answered_nothing_is_wrong() -> None:
    found = measure_selective(ANSWERS, 1.0, np.array([[0.5, 0.5]], np.float32))
    assert (found.answered, found.error, found.error_low, found.other_answered) == (0, None, None, 0)


def test_images_of_no_class_are_false_accepts() -> None:
    other = np.array([[0.95, 0.05], [0.5, 0.5], [0.55, 0.45], [0.1, 0.9]], np.float32)
    found = measure_selective(ANSWERS, 0.65, other)
    # Of the 16 pairs: 0.9 is above two and level with one, the others each above two.
    assert (found.other_images, found.other_answered) == (4, 0.5) and found.auroc == pytest.approx(8.5 / 16)
