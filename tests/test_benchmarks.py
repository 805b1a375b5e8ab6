"""Parts of benchmarks that no type checker sees, because they are text: they run, whatever they measure."""

import sys
from typing import Any

import numpy as np
import pytest

from benchmarks.live_instructions import PARTS, THERE
from benchmarks.lock import without_lock
from edgecnn.device import Classifier
from edgecnn.model_file.bundled import sample_images


def test_a_classifier_without_the_lock_answers_as_one_with_it() -> None:
    pixels = np.full((28, 28, 1), 100, np.uint8)
    unlocked = without_lock()("fashion-mnist")
    assert unlocked.classify(pixels) == Classifier("fashion-mnist").classify(pixels)
    unlocked._session.lock.acquire()
    assert unlocked.classify(pixels)  # which would wait for ever


def test_every_part_of_a_live_frame_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[Any] = []
    monkeypatch.setattr(sys, "argv", ["", *map(str, sample_images()[:2])])
    exec(THERE, {"count": lambda call: counted.append(call())})  # noqa: S102  the benchmark's own text
    assert len(counted) == len(PARTS) and all(one is not None for one in counted)
