"""Three steps tell what a training takes."""

import dataclasses
import time
from pathlib import Path

import pytest

from edgecnn.pixels.dataset import Dataset
from edgecnn.train import RECIPES, estimate


def test_an_estimate_says_what_a_training_takes_and_writes_nothing(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = estimate(tiny, recipe=dataclasses.replace(RECIPES["fast"], epochs=10, batch_size=100))
    assert (found.parameters, found.steps) == (243_786, 60)
    assert found.seconds == pytest.approx(found.start_seconds + found.steps * found.step_ms / 1000)
    assert 0 < found.step_ms < 60_000 and (found.peak_mib or 0) > 100
    assert not any(tmp_path.iterdir())


def test_of_a_short_training_the_start_takes_longest_and_is_told(tiny: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny, train=tiny.train.sample(20), test=tiny.test.sample(20))
    started = time.perf_counter()
    found = estimate(few, recipe=dataclasses.replace(RECIPES["fast"], epochs=1))
    assert found.steps * found.step_ms / 1000 < found.start_seconds < found.seconds < time.perf_counter() - started
