"""The chances of counts are those that whole numbers add up to."""

from fractions import Fraction
from math import comb

import pytest

from edgecnn.convert.comparison.binomial import at_least, at_most


def exactly(counts: range, of: int, share: Fraction) -> float:
    return float(sum(comb(of, count) * share**count * (1 - share) ** (of - count) for count in counts))


@pytest.mark.parametrize("of", [1, 7, 100, 1000])
@pytest.mark.parametrize("share", [Fraction(3, 100), Fraction(1, 2), Fraction(97, 100)])
def test_chances_are_those_of_the_sums(of: int, share: Fraction) -> None:
    for count in sorted({0, 1, of // 30, of // 2, of - 1, of}):
        assert at_least(count, of, float(share)) == pytest.approx(exactly(range(count, of + 1), of, share), rel=1e-9)
        assert at_most(count, of, float(share)) == pytest.approx(exactly(range(count + 1), of, share), rel=1e-9)


def test_what_always_or_never_happens_is_certain() -> None:
    assert (at_least(3, 3, 1.0), at_least(1, 3, 0.0), at_most(2, 3, 1.0), at_most(0, 3, 0.0)) == (1.0, 0.0, 0.0, 1.0)
