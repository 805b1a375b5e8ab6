"""The steady answer: sure enough, several times in a row; against a slow and obvious count."""

import itertools
from typing import Any

import pytest

from edgecnn import InputError
from edgecnn.device import Prediction
from edgecnn.device.live.steady import Steady, Verdict
from edgecnn.device.prediction import UNKNOWN

LABELS = ("cat", "dog")


def heard(steady: Steady, text: str) -> list[Verdict]:
    """Changes for frames such as `CcD`: a capital is a sure frame of that class, a small letter an unsure one.

    With `-` the source is lost.
    """
    changes = []
    for number, letter in enumerate(text, start=1):
        if letter == "-":
            verdict = steady.lose(float(number))
        else:
            index = "cd".index(letter.lower())
            best = Prediction(LABELS[index], 0.9 if letter.isupper() else 0.5, index)
            verdict = steady.add(best, float(number), number)
        if verdict:
            changes.append(verdict)
    return changes


SPOKEN = {
    "C": ("cat", "class"),
    "D": ("dog", "class"),
    "c": (UNKNOWN, "below threshold"),
    "-": (UNKNOWN, "source lost"),
}


@pytest.mark.parametrize("consecutive", [1, 2, 3])
def test_every_short_film_is_answered_as_counting_says(consecutive: int) -> None:
    for text in map("".join, itertools.product("CDc-", repeat=6)):
        expected: list[tuple[str, str, int]] = []
        for frame in range(1, len(text) + 1):
            letter = text[frame - 1]
            is_settled = text[:frame].endswith(letter * consecutive)
            last = expected[-1][:2] if expected else None
            if letter == "-":
                is_changed = last is not None and last[1] == "class"
            else:
                is_changed = is_settled and last != SPOKEN[letter]
            if is_changed:
                expected.append((*SPOKEN[letter], 0 if letter == "-" else frame))
        found = heard(Steady(0.8, consecutive), text)
        assert [(verdict.label, verdict.reason, verdict.frame) for verdict in found] == expected, text


def test_unsure_frames_of_different_classes_agree_that_it_is_unknown() -> None:
    (verdict,) = heard(Steady(0.8, 3), "cdc")
    assert verdict.label == UNKNOWN and verdict.index is None and verdict.reason == "below threshold"


def test_a_score_at_the_threshold_counts() -> None:
    verdict = Steady(0.5, 1).add(Prediction("cat", 0.5, 0), 0.0, 1)
    assert verdict is not None and verdict.label == "cat" and verdict.reason == "class"


def test_a_lost_source_makes_a_class_unknown_once_and_frames_are_counted_anew() -> None:
    steady = Steady(0.8, 2)
    assert steady.lose(0.0) is None  # there was no class to lose
    heard(steady, "CCC")
    lost = steady.lose(7.0)
    assert lost is not None and (lost.label, lost.reason, lost.since) == (UNKNOWN, "source lost", 7.0)
    assert steady.lose(8.0) is None and heard(steady, "C") == []
    assert [verdict.label for verdict in heard(steady, "C")] == ["cat"]


def test_a_class_that_is_called_unknown_can_be_told_from_no_class() -> None:
    verdict = Steady(0.5, 1).add(Prediction("unknown", 0.9, 1), 0.0, 1)
    assert verdict is not None and verdict.index == 1


@pytest.mark.parametrize(
    ("threshold", "consecutive"), [(-0.1, 3), (1.1, 3), (float("nan"), 3), (0.8, 0), ("a", 3), (0.8, 1.5)]
)
def test_what_is_out_of_range_is_refused(threshold: Any, consecutive: Any) -> None:
    with pytest.raises(InputError, match="Received"):
        Steady(threshold, consecutive)
