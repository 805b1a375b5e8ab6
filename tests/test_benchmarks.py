"""Parts of benchmarks that no type checker sees, because they are text: they run, whatever they measure."""

import sys
from typing import Any

import numpy as np
import pytest

from benchmarks.live_instructions import PARTS, THERE
from benchmarks.lock import without_lock
from benchmarks.runtimes import SCRIPT
from edgecnn.device import Classifier
from edgecnn.model_file.bundled import find_model, sample_images


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


def test_every_step_on_a_board_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorflow")
    from benchmarks.pi_instructions import THERE as on_the_board

    counted: list[Any] = []
    monkeypatch.setattr(sys, "argv", ["", str(sample_images()[0]), "fashion-mnist"])
    exec(on_the_board, {"count": lambda call: counted.append(call())})  # noqa: S102  the benchmark's own text
    _inference, classified = counted
    assert classified[0].label == "Ankle boot"


def test_the_bare_script_names_the_class_that_edgecnn_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ai_edge_litert")
    image = str(sample_images()[0])
    monkeypatch.setattr(sys, "argv", ["", str(find_model("fashion-mnist")), image])
    exec(SCRIPT, {})  # noqa: S102  the benchmark's own text
    (best,) = Classifier("fashion-mnist").classify(image)
    name, index, score = capsys.readouterr().out.rsplit(maxsplit=2)
    assert (name, int(index)) == (image, best.index) and 0.9 < float(score) <= 1  # without the model's temperature
