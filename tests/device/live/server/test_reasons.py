"""Explanations for viewers: what `explain` says of the frame, one at a time, while the frames go on."""

import base64
import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.device import Classifier, Explanation, Prediction, explain
from edgecnn.model_file.bundled import sample_images
from tests.support.explained import averaging_network, opened
from tests.support.live_page import Page, ask, frame_of, text_of
from tests.support.waiting import until

from edgecnn.device.live.server.reasons import MOST_SIDE, Reasons, describe_explanation  # isort: skip - needs the extra


@contextlib.contextmanager
def viewer_with_a_frame(live: Page) -> Iterator[tuple[Any, int]]:
    """A viewer, and the number of a frame that it was sent."""
    with live.connect() as viewer:
        ask(viewer, [])
        yield viewer, frame_of(viewer)["frame"]


def ask_why(viewer: Any, frame: int, method: str = "occlusion", label: int | None = None) -> None:
    viewer.send(json.dumps({"ask": "why", "frame": frame, "method": method, "label": label}))


@pytest.fixture
def held(live: Page) -> Iterator[Reasons]:
    """Explaining comes no further than to its first run, until the test ends."""
    reasons = live.server.hub.reasons
    with reasons._own.session.lock:
        yield reasons
    assert until(lambda: not reasons.is_busy)


@pytest.mark.parametrize(("method", "label"), [("occlusion", None), ("rise", 7)])
def test_a_viewer_hears_what_explain_says_of_the_frame(method: str, label: int | None, live: Page) -> None:
    classifier = Classifier("fashion-mnist.activations")
    pixels = classifier.prepare(sample_images()[0], crop="square").pixels
    there = explain(classifier, pixels, None if label is None else classifier.labels[label], method=method)
    with viewer_with_a_frame(live) as (viewer, frame):
        ask_why(viewer, frame, method, label)
        heard = text_of(viewer, "why")
    assert (heard["frame"], heard["method"], heard["unit"]) == (frame, method, there.unit)
    heat = np.frombuffer(base64.b64decode(heard["heat"]["values"]), "<f4").reshape(heard["heat"]["shape"])
    np.testing.assert_array_equal(heat, there.heat_map)
    assert heard["target"]["label"] == ("Ankle boot" if label is None else "Sneaker")
    assert [(one["ranking"], one["fill"]) for one in heard["scores"]] == [(s.ranking, s.fill) for s in there.scores]
    assert [one["insertion"] for one in heard["scores"]] == [score.insertion for score in there.scores]
    assert heard["doubts"] == list(there.doubts) and heard["runs"] == there.invokes


def test_one_at_a_time_while_the_frames_go_on_and_cancelling_makes_room(live: Page, held: Reasons) -> None:
    with viewer_with_a_frame(live) as (first, frame), viewer_with_a_frame(live) as (second, other):
        ask_why(first, frame, "rise")
        assert until(lambda: held.is_busy)
        ask_why(second, other)
        assert "another explanation is being made" in text_of(second, "why")["failed"]
        ask(first, [[0, 0, 64]])
        assert frame_of(first)["frame"] > frame
        first.send('{"ask":"cancel"}')
        assert until(lambda: not held.is_busy)
        ask_why(second, other)
        held._own.session.lock.release()
        assert text_of(first, "why") == {"frame": frame, "method": "rise", "failed": "it was cancelled"}
        assert text_of(second, "why")["target"]["label"] == "Ankle boot"
        held._own.session.lock.acquire()


def test_it_is_told_how_far_it_is(live: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgecnn.device.live.server import reasons

    monkeypatch.setattr(reasons, "_BETWEEN_TOLD", 0)
    with viewer_with_a_frame(live) as (viewer, frame):
        ask_why(viewer, frame)
        progress = text_of(viewer, "progress")
        assert progress["frame"] == frame and 0 < progress["done"] <= progress["of"]
        assert text_of(viewer, "why")["runs"] == progress["of"]


def test_who_leaves_waits_for_no_explanation(live: Page, held: Reasons) -> None:
    with viewer_with_a_frame(live) as (viewer, frame):
        ask_why(viewer, frame, "rise")
        assert until(lambda: held.is_busy)
    assert until(lambda: not held.is_busy)


@pytest.mark.parametrize(
    ("frame", "method", "words"),
    [(1 << 40, "rise", "only the last 3 can be explained"), (0, "cam", "what can is occlusion, rise")],
)
def test_what_cannot_be_explained_is_a_sentence(frame: int, method: str, words: str, live: Page) -> None:
    with viewer_with_a_frame(live) as (viewer, shown):
        ask_why(viewer, frame or shown, method)
        assert words in text_of(viewer, "why")["failed"]


@pytest.mark.parametrize(("error", "words"), [(RuntimeError("no room"), "(no room)"), (MemoryError(), "(MemoryError)")])
def test_what_nobody_expected_is_a_sentence_too_and_the_next_is_explained(
    error: Exception, words: str, live: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise error

    with viewer_with_a_frame(live) as (viewer, frame):
        with monkeypatch.context() as patched:
            patched.setattr(live.server.hub.reasons._own.session, "run", fail)
            ask_why(viewer, frame)
            assert text_of(viewer, "why")["failed"] == f"it does not run {words}"
        ask_why(viewer, frame)
        assert text_of(viewer, "why")["runs"]


def test_a_class_that_the_model_has_not_ends_the_connection(live: Page) -> None:
    from websockets.exceptions import ConnectionClosed

    with viewer_with_a_frame(live) as (viewer, frame):
        ask_why(viewer, frame, label=10)
        with pytest.raises(ConnectionClosed) as caught:
            text_of(viewer, "why")
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 1008


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a thread a niceness of its own")
def test_explaining_lets_all_else_go_first(live: Page) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert live.server.hub.reasons._worker.submit(niceness).result() >= 15
    assert live.server.hub.reasons._own.session is not live.watcher.classifier.loaded.session


def test_cam_is_offered_where_the_network_allows_it(tmp_path: Path) -> None:
    assert Reasons(opened(tmp_path / "a.tflite", averaging_network())).methods == ("occlusion", "rise", "cam")
    assert Reasons(Classifier("fashion-mnist.activations").loaded).methods == ("occlusion", "rise")


def test_a_large_heat_map_is_sent_at_every_second_place_or_fewer() -> None:
    heat = np.arange(300 * 500, dtype=np.float32).reshape(300, 500)
    boot = Prediction("boot", 0.9, 1)
    pixels = np.zeros((300, 500, 1), np.uint8)
    sent = describe_explanation(Explanation(boot, boot, "rise", "", heat, pixels, (), 9, 1.0))["heat"]
    values, stride = np.frombuffer(base64.b64decode(sent["values"]), "<f4").reshape(sent["shape"]), sent["stride"]
    assert max(values.shape) <= MOST_SIDE and values[2, 3] == heat[2 * stride, 3 * stride]
