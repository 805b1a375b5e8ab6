"""The index against sums made by hand, its interval against many samples, and what frames are worth against a chain."""

import math

import numpy as np
import pytest

from edgecnn.fleet.stability import (
    RESAMPLES,
    basic_interval,
    bins_of,
    merged,
    psi,
    shares,
    worth,
)


def test_the_index_is_the_sum_that_the_formula_says() -> None:
    p, q = [0.5, 0.3, 0.2], [0.25, 0.25, 0.5]
    expected = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert psi(np.array(p), np.array(q)) == pytest.approx(expected) == pytest.approx(psi(np.array(q), np.array(p)))
    assert psi(np.array(p), np.array(p)) == 0 and expected > 0.25


def test_rare_classes_are_counted_together() -> None:
    bins = bins_of(np.array([50.0, 4.9, 0.0, 5.0, 1.0]))
    assert bins.tolist() == [0, 2, 2, 1, 2]
    assert merged(np.array([[1.0, 2, 4, 8, 16], [0, 0, 1, 0, 0]]), bins).tolist() == [[1, 8, 22], [0, 0, 1]]
    assert bins_of(np.array([9.0, 9.0])).tolist() == [0, 1]
    assert bins_of(np.array([1.0, 1.0])).tolist() == [0, 0]
    assert shares(np.array([0.0, 9.0])).tolist() == [0.05, 0.95]


def test_the_interval_holds_the_true_index_nineteen_times_in_twenty() -> None:
    random = np.random.default_rng(3)
    p, q = np.array([0.14] * 5 + [0.06] * 5), np.full(10, 0.1)
    true, held = float(psi(p, q)), 0
    for _ in range(200):
        here, there = (shares(random.multinomial(400, one).astype(float)) for one in (p, q))
        drawn = [shares(random.multinomial(400, one, RESAMPLES).astype(float)) for one in (here, there)]
        index = basic_interval(float(psi(here, there)), psi(*drawn))
        held += index.low <= true <= index.high
    # 190 are expected; a binomial of 200 and 0.95 is below 180 once in a thousand times.
    assert held >= 180


def chain(length: int, stay: float, p: list[float], random: np.random.Generator) -> np.ndarray:
    """Classes that repeat the last with probability `stay`, and else are drawn anew."""
    fresh = random.choice(len(p), length, p=p)
    last = np.where(random.random(length) >= stay, np.arange(length), 0)
    return fresh[np.maximum.accumulate(last)]


@pytest.mark.parametrize("stay", [0.0, 0.5, 0.9, 0.99])
def test_frames_of_one_scene_are_worth_what_their_spread_says(stay: float) -> None:
    random, p, frames = np.random.default_rng(7), [0.5, 0.3, 0.2], 2000
    runs = [chain(frames, stay, p, random) for _ in range(300)]
    counts = np.array([np.bincount(run, minlength=3) for run in runs])
    # Shares of n images of their own have a variance of p (1 - p) / n: so many images the spread of the runs is worth.
    spread = (np.array(p) * (1 - np.array(p))).sum() / (counts / frames).var(axis=0).sum()
    told = [
        worth(frames, one, frames - 1, int((run[1:] != run[:-1]).sum())) for run, one in zip(runs, counts, strict=True)
    ]
    assert np.median(told) == pytest.approx(spread, rel=0.25)


def test_one_scene_is_one_image_and_what_is_not_known_counts_each_frame() -> None:
    still = np.array([500, 0])
    assert worth(500, still, 499, 0) == 1
    assert worth(500, still, None, None) == worth(500, still, 0, 0) == 500
    assert worth(0, np.array([0, 0]), 0, 0) == 0
    assert worth(4, np.array([2, 2]), 3, 3) == 4  # never more than there are
