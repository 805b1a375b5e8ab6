"""The best class is told from the numbers of an 8-bit output, without the probabilities of the others."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn.device import Classifier
from edgecnn.device.best_answer import BestAnswer
from tests.support.scored import write_scored

BEST = [(0, 200), (4, 131), (9, 255)]  # the class, and of how many 256ths it has


def numbers(best: int, steps: int) -> "np.ndarray[tuple[int], np.dtype[np.int8]]":
    """An int8 output, (10,), in steps of 1/256 from -128 up, of which one class has `steps` and another the rest."""
    of_each = np.zeros(10, np.int64)
    of_each[best], of_each[best - 1] = steps, 256 - steps
    return (of_each - 128).astype(np.int8)


@pytest.mark.parametrize(("best", "steps"), BEST)
def test_a_plain_score_is_its_steps(tmp_path: Path, best: int, steps: int) -> None:
    classifier = Classifier(write_scored(tmp_path / "plain.tflite", None), trust=True)
    answers = BestAnswer(classifier.loaded)
    for _ in range(2):  # made, and made before
        found = answers.of(numbers(best, steps))
        assert found is not None, "all probabilities are asked for"
        assert [(one.label, one.index, one.score) for one in found] == [(classifier.labels[best], best, steps / 256)]


@pytest.mark.parametrize(("best", "steps"), BEST)
def test_a_calibrated_score_is_of_both_powers(tmp_path: Path, best: int, steps: int) -> None:
    loaded = Classifier(write_scored(tmp_path / "scored.tflite"), trust=True).loaded  # at a temperature of 1.7
    found = BestAnswer(loaded).of(numbers(best, steps))
    assert found is not None, "all probabilities are asked for"
    wanted = steps ** (1 / 1.7) / (steps ** (1 / 1.7) + (256 - steps) ** (1 / 1.7))
    assert found[0].index == best and found[0].score == pytest.approx(wanted, rel=1e-6)
