"""Two classifiers on the same images: the test, the interval and the number of images, each beside an oracle."""

import numpy as np
import pytest

from edgecnn.paired import PairedComparison
from edgecnn.sanity import lower_bound
from edgecnn.wilson import wilson_interval

scipy_stats = pytest.importorskip("scipy.stats")


def compared(both: int, first: int, second: int, neither: int) -> PairedComparison:
    return PairedComparison(both + first + second + neither, both, first, second, neither)


def test_counts_are_those_of_the_images() -> None:
    first = np.array([1, 1, 1, 0, 0, 0], bool)
    second = np.array([1, 1, 0, 1, 0, 0], bool)
    assert PairedComparison.of(first, second) == compared(2, 1, 1, 2)


@pytest.mark.parametrize(("first", "second"), [(0, 0), (3, 3), (0, 5), (0, 6), (7, 1), (40, 61), (1200, 1100)])
def test_p_is_that_of_the_binomial_test(first: int, second: int) -> None:
    wanted = 1.0 if first + second == 0 else scipy_stats.binomtest(first, first + second, 0.5).pvalue
    assert compared(5000, first, second, 70).mcnemar_p == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("right", "images"), [(0, 7), (7, 7), (91, 100), (9127, 10000)])
def test_the_interval_of_an_accuracy_is_wilsons(right: int, images: int) -> None:
    wanted = scipy_stats.binomtest(right, images).proportion_ci(0.95, "wilson")
    assert wilson_interval(right, images) == pytest.approx((wanted.low, wanted.high), abs=1e-12)
    assert lower_bound(right, images) == pytest.approx(wanted.low, abs=1e-12)


def test_the_interval_of_a_share_stays_within_0_and_1() -> None:
    for images in range(1, 3000):
        (low, _), (_, high) = wilson_interval(0, images), wilson_interval(images, images)
        assert low == 0 and high == 1
        assert lower_bound(0, images) == 0


def drawn(shares: tuple[float, ...], images: int, times: int) -> list[PairedComparison]:
    counts = np.random.default_rng(3).multinomial(images, shares, times)
    return [compared(*map(int, row)) for row in counts]


@pytest.mark.parametrize("shares", [(0.8, 0.05, 0.08, 0.07), (0.6, 0.15, 0.15, 0.1), (0.94, 0.005, 0.015, 0.04)])
def test_the_interval_of_the_difference_holds_it_as_often_as_it_says(shares: tuple[float, ...]) -> None:
    truth = shares[2] - shares[1]
    inside = [low <= truth <= high for low, high in (one.interval for one in drawn(shares, 300, 2000))]
    assert 0.93 < np.mean(inside) <= 0.99


def test_so_many_images_show_the_difference_four_times_in_five() -> None:
    needed = compared(800, 50, 60, 90).images_needed
    assert needed
    shown = [one.better == 1 for one in drawn((0.8, 0.05, 0.06, 0.09), needed, 1000)]
    assert 0.75 < np.mean(shown) < 0.85


def test_equal_ones_and_a_shown_difference_need_no_number_of_images() -> None:
    assert compared(90, 4, 4, 2).images_needed is None and compared(90, 4, 4, 2).better is None
    assert compared(900, 10, 60, 30).images_needed is None and compared(900, 10, 60, 30).better == 1
    assert compared(900, 60, 10, 30).better == 0


def test_what_cannot_be_told_needs_more_images_than_there_are() -> None:
    for first in range(30):
        one = compared(100, first, 15, 10)
        assert one.images_needed is None or one.images_needed > one.images
