"""Totals and the moment, against counts made by hand."""

import random
import threading
import time

import numpy as np
import pytest

from edgecnn.device.drift import Drift
from edgecnn.device.live.frames import Frame
from edgecnn.device.live.observation import Change, Observation
from edgecnn.device.live.steady import Verdict
from edgecnn.device.live.tally import EDGES, Tally, no_counts
from edgecnn.device.prediction import Prediction
from edgecnn.pixels.preprocessing import Prepared

LABELS = ("a", "b", "c")


def seen(number: int, index: int, score: float, drift: tuple[Drift, ...] = (), ago: float = 0.0) -> Observation:
    now = time.monotonic() - ago
    frame = Frame(b"", number, "x", now, 1000.0 + number)
    prepared = Prepared(np.zeros((1, 1, 1), np.uint8), 0, False, "")
    return Observation(frame, prepared, (Prediction(LABELS[index], score, index),), None, False, drift, {}, now, 1.0)


def test_every_frame_is_counted_once_in_each_total() -> None:
    random.seed(5)
    frames = [(random.randrange(3), random.random()) for _ in range(500)]
    tally = Tally(LABELS, 0.6)
    for number, (index, score) in enumerate(frames):
        tally(seen(number, index, score))
    counts = tally.counts(dropped=7, damaged=3)
    assert (counts.frames, counts.dropped, counts.damaged) == (500, 7, 3)
    assert counts.doubtful == len([score for _, score in frames if score < 0.6])
    assert counts.classes == {label: len([1 for one, _ in frames if LABELS[one] == label]) for label in LABELS}
    parts = [len([1 for _, score in frames if low < score <= low + 0.1]) for low in (0.0, *EDGES[:-1])]
    assert sum(counts.scores) == 500 and list(counts.scores) == parts
    assert abs(counts.score_sum - sum(score for _, score in frames)) < 1e-9


def test_a_score_at_an_edge_belongs_to_the_part_that_ends_there() -> None:
    for part, score in ((0, 0.0), (0, 0.1), (2, 0.3), (6, 0.7), (9, 1.0), (9, 1.0000001)):
        tally = Tally(LABELS, 0.5)
        tally(seen(1, 0, score))
        assert tally.counts(0, 0).scores.index(1) == part, score


def test_a_layer_counts_once_a_frame_for_each_kind() -> None:
    tally = Tally(LABELS, 0.5)
    both = (Drift("l", "saturated", "1 %"), Drift("l", "outside calibration", "x"), Drift("l", "saturated", "2 %"))
    tally(seen(1, 0, 1, both))
    tally(seen(2, 0, 1, both[:1]))
    tally(seen(3, 0, 1))
    assert tally.counts(0, 0).drift == {("l", "saturated"): 2, ("l", "outside calibration"): 1}
    assert tally.moment().drift == ()


def test_a_switch_is_a_frame_that_answers_otherwise_than_the_one_before() -> None:
    tally = Tally(LABELS, 0.5)
    assert (tally.counts(0, 0).compared, tally.counts(0, 0).switches) == (0, 0)
    for number, index in enumerate((1, 1, 1, 0, 2, 2, 0)):
        tally(seen(number, index, 0.9))
    counts = tally.counts(0, 0)
    assert (counts.compared, counts.switches) == (6, 3)
    assert ((counts + counts).compared, (counts + counts).switches) == (12, 6)


def test_two_totals_add_up_and_nothing_adds_nothing() -> None:
    one, other = Tally(LABELS, 0.5), Tally(LABELS, 0.5)
    one(seen(1, 0, 0.9, (Drift("k", "saturated", "x"),)))
    other(seen(1, 0, 0.2, (Drift("k", "saturated", "x"), Drift("l", "saturated", "x"))))
    other(seen(2, 2, 0.95))
    both = one.counts(1, 0) + other.counts(2, 5)
    assert (both.frames, both.dropped, both.damaged, both.doubtful) == (3, 3, 5, 1)
    assert both.classes == {"a": 2, "b": 0, "c": 1} and both.scores == (0, 1, 0, 0, 0, 0, 0, 0, 1, 1)
    assert both.drift == {("k", "saturated"): 2, ("l", "saturated"): 1}
    assert no_counts(LABELS) + both == both


def test_the_moment_says_age_rate_and_answer() -> None:
    tally = Tally(LABELS, 0.5)
    assert (tally.moment().age, tally.moment().last_frame, tally.moment().rate) == (None, None, 0.0)
    for number in range(21):
        tally(seen(number, 1, 0.9, ago=3 - number / 10))
    verdict = Verdict("b", 1, 0.9, 5.0, 3, "class")
    tally.change(Change(verdict, None, ()))
    moment = tally.moment()
    assert moment.age is not None and 1.0 <= moment.age < 1.5 and moment.last_frame == 1020.0
    assert 5.5 < moment.rate <= 20 / 3  # 20 spans between 21 frames in 3 seconds, the last of which was empty
    assert moment.answer == verdict and tally.counts(0, 0).changes == 1


@pytest.mark.parametrize(("every", "count"), [(1, 50), (10, 6), (30, 2), (29, 3)])
def test_a_slow_source_has_the_rate_of_its_frames(every: int, count: int) -> None:
    tally = Tally(LABELS, 0.5)
    for number in range(count):
        tally(seen(number, 0, 0.9, ago=every * (count - 1 - number)))
    assert 0.9 / every < tally.moment().rate <= 1 / every


def test_frames_of_more_than_a_minute_ago_are_no_rate() -> None:
    tally = Tally(LABELS, 0.5)
    for ago in (90, 80, 70):
        tally(seen(1, 0, 0.9, ago=ago))
    assert tally.moment().rate == 0.0


def test_who_reads_meanwhile_never_sees_half_a_frame() -> None:
    tally, ended, torn = Tally(LABELS, 0.5), threading.Event(), []

    def read() -> None:
        while not ended.is_set():
            counts = tally.counts(0, 0)
            torn.append(not counts.frames == sum(counts.scores) == sum(counts.classes.values()))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for number in range(3000):
        tally(seen(number, number % 3, 0.9))
    ended.set()
    reader.join()
    assert torn and not any(torn)
