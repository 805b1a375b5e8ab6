"""Insertion and deletion, beside a slow oracle and beside areas that are known."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from edgecnn.device.explaining import scoring
from edgecnn.device.explaining.explanation import Score
from edgecnn.device.explaining.fills import fill_like

RNG = np.random.default_rng(11)


def of(scores: tuple[Score, ...], ranking: str, fill: str) -> Score:
    (found,) = [score for score in scores if (score.ranking, score.fill) == (ranking, fill)]
    return found


def slow_area(ask: Callable[[np.ndarray], float], start: np.ndarray, end: np.ndarray, order: list[int]) -> float:
    """The area while the pixels of `end` replace those of `start` in an order, 14 times."""
    height, width, _ = start.shape
    points = []
    for step in range(15):
        count = round(step * height * width / 14)
        image = start.copy()
        for place in order[:count]:
            image[place // width, place % width] = end[place // width, place % width]
        points.append((count / (height * width), ask(image)))
    return float(sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points)))


@pytest.mark.parametrize("shape", [(9, 13, 3), (28, 28, 1), (5, 4, 1)])
@pytest.mark.parametrize("fill", ["black", "blurred"])
def test_scores_are_those_of_a_slow_oracle(shape: tuple[int, int, int], fill: str) -> None:
    pixels = RNG.integers(0, 256, shape, np.uint8)
    weights, heat = RNG.normal(size=shape), RNG.normal(size=shape[:2]).astype(np.float32)

    def ask(image: np.ndarray) -> float:
        return float(1 / (1 + np.exp(-(weights * image / 255).sum())))

    empty = np.zeros_like(pixels) if fill == "black" else fill_like(pixels, "blurred")
    order = sorted(range(heat.size), key=lambda place: -heat.ravel()[place])
    found = of(scoring.score(heat, pixels, ask), "explanation", fill)
    assert found.deletion == pytest.approx(slow_area(ask, pixels, empty, order), abs=1e-9)
    assert found.insertion == pytest.approx(slow_area(ask, empty, pixels, order), abs=1e-9)


def test_areas_of_one_pixel_that_decides_alone_are_known() -> None:
    pixels = np.full((7, 8, 1), 90, np.uint8)  # 56 pixels: 4 a step
    heat = np.zeros((7, 8), np.float32)
    heat[4, 5] = 1
    first = of(scoring.score(heat, pixels, lambda image: float(image[4, 5, 0] == 90)), "explanation", "black")
    assert first.deletion == pytest.approx(1 / 28) and first.insertion == pytest.approx(1 - 1 / 28)
    last = of(scoring.score(-heat, pixels, lambda image: float(image[4, 5, 0] == 90)), "explanation", "black")
    assert last.deletion == pytest.approx(1 - 1 / 28) and last.gain == pytest.approx(-(1 - 1 / 14))


def test_brightness_is_a_ranking_of_its_own() -> None:
    pixels = RNG.permutation(np.arange(56, dtype=np.uint8) + 1).reshape(7, 8, 1)
    row, column = np.argwhere(pixels[:, :, 0] == 56)[0]
    scores = scoring.score(np.zeros((7, 8), np.float32), pixels, lambda image: float(image[row, column, 0] == 56))
    assert of(scores, "brightness", "black").gain == pytest.approx(1 - 1 / 14)


def test_what_no_order_changes_is_gained_by_none() -> None:
    pixels = RNG.integers(0, 256, (9, 6, 3), np.uint8)
    scores = scoring.score(RNG.random((9, 6)).astype(np.float32), pixels, lambda image: 0.25)
    assert {(round(score.insertion, 9), round(score.deletion, 9)) for score in scores} == {(0.25, 0.25)}


@pytest.mark.parametrize(("height", "width"), [(28, 28), (64, 48), (3, 2), (1, 1)])
def test_cost_is_bounded_and_said_before(height: int, width: int) -> None:
    asked = []
    pixels = RNG.integers(0, 256, (height, width, 1), np.uint8)
    scoring.score(np.zeros((height, width), np.float32), pixels, lambda image: float(not asked.append(0)))  # type: ignore[func-returns-value]
    assert len(asked) == scoring.invokes(height, width) <= 159


@pytest.mark.parametrize("channels", [1, 3])
def test_fills_say_nothing_of_details(channels: int) -> None:
    pixels = np.zeros((24, 40, channels), np.uint8)
    pixels[::2, ::2] = 200
    assert not fill_like(pixels, "black").any()
    assert (fill_like(pixels, "grey") == 50).all()
    blurred = fill_like(pixels, "blurred")
    assert blurred.shape == pixels.shape
    assert all(np.abs(np.diff(blurred.astype(int), axis=axis)).max() <= 4 for axis in (0, 1))
