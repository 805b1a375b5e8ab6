"""The loop: newest frame, the contract's preprocessing, the steady answer, and an end in every case."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edgecnn import InputError, SourceError
from edgecnn.device import Classifier, FeatureExtractor
from edgecnn.device.live.observation import Change, Observation
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.steady import Steady
from edgecnn.device.live.watcher import Watcher
from edgecnn.pixels.crop import Crop
from tests.support.cameras import FakeCamera, garment

FAST = SourceSettings(fps=200, timeout=60, retry=0.02)  # a program needs a while to start where much runs


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("fashion-mnist")


@pytest.fixture(scope="module")
def variant() -> Classifier:
    return Classifier("fashion-mnist.activations")


def watched(watcher: Watcher, frames: int | None = None) -> tuple[list[Observation], list[Change]]:
    seen: list[Observation] = []
    changes: list[Change] = []
    watcher.listeners.append(seen.append)
    watcher.change_listeners.append(changes.append)
    watcher.run(frames)
    return seen, changes


@pytest.mark.parametrize("crop", ["square", None, (30, 10, 71, 53)])
def test_a_frame_kept_on_disk_gives_the_same_answer_to_the_bit(
    crop: Crop | None, classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("steady")
    seen, _ = watched(Watcher(classifier, "camera", FAST, crop=crop, top=10, tell=lambda _: None), 4)
    assert not camera.processes()
    for number, one in enumerate(seen):
        path = tmp_path / f"kept-{number}.jpg"
        path.write_bytes(one.frame.data)
        assert classifier.classify(path, top=10, crop=crop) == one.predictions
        assert np.array_equal(classifier.prepare(path, crop=crop).pixels, one.prepared.pixels)
    assert len(seen) == 4 and (seen[0].prepared.width, seen[0].prepared.height) == (160, 120)


def test_changes_are_told_once_with_what_was_before(classifier: Classifier, tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.jpg").write_bytes(garment(number // 3 * 2))  # three boots, three trousers
    watcher = Watcher(classifier, str(tmp_path), FAST, steady=Steady(0.1, 2))
    seen, changes = watched(watcher)
    best = [one.predictions[0].label for one in seen]
    assert len(set(best)) == 2 and [change.verdict.label for change in changes] == [best[0], best[5]]
    assert [change.previous for change in changes] == [None, best[0]]
    assert [change.verdict.frame for change in changes] == [2, 5] == [one.frame.number for one in seen if one.changed]
    assert watcher.status.frames == 6 and not watcher.status.running and watcher.latest is seen[-1]


def test_of_frames_that_come_too_fast_the_newest_is_seen_and_the_others_are_counted(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeCamera(tmp_path, monkeypatch).install("steady")
    watcher = Watcher(classifier, "camera", SourceSettings(fps=1000, timeout=60))
    watcher.listeners.append(lambda _: time.sleep(0.03))
    seen, _ = watched(watcher, 8)
    numbers = [one.frame.number for one in seen]
    assert numbers == sorted(set(numbers)) and numbers[-1] - 8 > 0
    assert watcher.status.dropped >= numbers[-1] - 8


def test_a_lost_camera_makes_the_answer_unknown_until_it_is_back(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    for path in camera.images.iterdir():
        path.write_bytes(garment())
    camera.install("dies:4 steady")
    told: list[str] = []
    settings = SourceSettings(fps=20, timeout=60, retry=0.6)
    watcher = Watcher(classifier, "camera", settings, steady=Steady(0.1, 1), tell=told.append)
    _, changes = watched(watcher, 6)
    reasons = [change.verdict.reason for change in changes]
    assert reasons == ["class", "source lost", "class"] and watcher.status.trouble == ""
    assert any("opening it again in 0.6 s" in sentence for sentence in told)


def test_frames_that_are_no_images_are_passed_over_and_no_old_answer_stands_for_them(
    classifier: Classifier, tmp_path: Path
) -> None:
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(garment() if number < 4 else b"\xff\xd8\xff no picture \xff\xd9")
    told: list[str] = []
    watcher = Watcher(classifier, str(tmp_path), FAST, steady=Steady(0.1, 3), tell=told.append)
    seen, changes = watched(watcher)
    assert len(seen) == 4 and watcher.status.damaged == 4
    assert [change.verdict.reason for change in changes] == ["class", "source lost"]
    assert len([sentence for sentence in told if "4.jpg" in sentence and "passed over" in sentence]) == 1


def test_feature_maps_come_when_they_are_wanted_and_are_the_networks_own_bytes(
    variant: Classifier, tmp_path: Path
) -> None:
    (tmp_path / "boot.jpg").write_bytes(garment())
    watcher = Watcher(variant, str(tmp_path), FAST)
    watcher.want_maps(["conv2d_1", "conv2d"])
    (seen,), _ = watched(watcher)
    extracted = FeatureExtractor("fashion-mnist.activations").extract(seen.prepared.pixels).maps
    assert list(seen.maps) == ["conv2d", "conv2d_1"] and all(one.is_exact for one in seen.maps.values())
    for name, one in seen.maps.items():
        assert one.values.dtype == np.uint8
        real = np.float32(one.scale) * (one.values.astype(np.float32) - np.float32(one.zero))
        assert np.array_equal(real, extracted[name])


def test_layers_that_are_not_there_are_refused(classifier: Classifier, variant: Classifier) -> None:
    assert Watcher(classifier, "samples").layers == ()
    with pytest.raises(InputError, match="no feature maps called conv9"):
        Watcher(variant, "samples").want_maps(["conv2d", "conv9"])


def test_an_image_unlike_calibration_is_said_live(variant: Classifier, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (60, 60), 255).save(tmp_path / "white.png")
    (seen,), (change,) = watched(Watcher(variant, str(tmp_path), FAST, steady=Steady(0, 1)))
    watch = Classifier("fashion-mnist.activations").watch()
    assert seen.drift == watch.look(seen.prepared.pixels) and seen.drift
    assert change.drift == tuple(map(str, seen.drift))


def test_stop_ends_it_within_a_second_or_so(classifier: Classifier) -> None:
    watcher = Watcher(classifier, "samples", SourceSettings(fps=0.01))  # the next frame comes in 100 s
    threading.Timer(0.1, watcher.stop).start()
    started = time.monotonic()
    watcher.run()
    assert time.monotonic() - started < 50
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("edgecnn")]


def test_a_source_that_fails_for_good_ends_the_run(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeCamera(tmp_path, monkeypatch).install("none")
    with pytest.raises(SourceError, match="no cameras available"):
        Watcher(classifier, "camera", FAST).run()


def test_a_crop_outside_the_frames_ends_the_run_and_does_not_wait_for_ever(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="the crop 900,0,5,5 lies outside the image of 28 x 28"):
        Watcher(classifier, "samples", FAST, crop=(900, 0, 5, 5)).run()


def test_a_crop_that_is_moved_outside_is_said_and_may_be_moved_back(classifier: Classifier) -> None:
    told: list[str] = []
    watcher = Watcher(classifier, "samples", FAST, tell=told.append, steady=Steady(0, 1))
    watcher.listeners.append(lambda seen: setattr(watcher, "crop", (900, 0, 5, 5)) if seen.frame.number == 1 else None)
    watcher.notes.append(lambda _: setattr(watcher, "crop", "square"))
    seen, changes = watched(watcher, 2)
    assert [one.frame.number for one in seen] == [1, 3] and "lies outside" in told[0]
    assert [change.verdict.reason for change in changes] == ["class", "source lost", "class"]


def test_what_a_listener_raises_ends_the_run(classifier: Classifier) -> None:
    def fail(_: Observation) -> None:
        raise InputError("the listener failed")

    watcher = Watcher(classifier, "samples", FAST)
    watcher.listeners.append(fail)
    with pytest.raises(InputError, match="the listener failed"):
        watcher.run()
    assert not watcher.status.running
