"""Agreement, intervals and noise are the textbooks'."""

import numpy as np
import pytest

from edgecnn.convert.comparison.agreement import parity_of, sqnr_db


def test_sqnr_of_a_known_error() -> None:
    assert sqnr_db(signal=50, noise=0) == np.inf and sqnr_db(signal=0, noise=1) == -np.inf
    assert sqnr_db(signal=3**2 + 4**2, noise=0.3**2 + 0.4**2) == pytest.approx(20)


def test_wilson_interval_is_the_textbooks() -> None:
    # 8 of 10 right: Wilson's 95 % interval is 0.4902 to 0.9433 (Newcombe 1998's method 3).
    labels = np.zeros(10, np.int64)
    scores = np.array([[0.9, 0.1]] * 8 + [[0.1, 0.9]] * 2)
    parity = parity_of(scores, scores, labels)
    assert parity.interval_low == pytest.approx(0.4902, abs=1e-4)
    assert parity.interval_high == pytest.approx(0.9433, abs=1e-4)
