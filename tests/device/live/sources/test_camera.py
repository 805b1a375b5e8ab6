"""The Raspberry Pi's camera, with a program in the place of rpicam-vid: the real child, pipe, kill and restart."""

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edgecnn import InputError, SourceError
from edgecnn.device.live.sources.camera import Camera
from edgecnn.device.live.sources.source import SourceSettings
from tests.support.cameras import FakeCamera, first

FAST = SourceSettings(320, 240, 200, timeout=60, retry=0.02)
# Of those that hang: long enough for a program to start where much else runs.
SOON_GIVEN_UP = replace(FAST, timeout=2)


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCamera:
    return FakeCamera(tmp_path, monkeypatch)


def test_the_frames_are_the_cameras_own_bytes_and_it_is_asked_for_what_was_said(camera: FakeCamera) -> None:
    camera.install("steady")
    frames = first(Camera(FAST, pytest.fail), 4)
    images = [(camera.images / f"{number}.jpg").read_bytes() for number in (0, 1, 2, 0)]
    assert [frame.data for frame in frames] == images and [frame.number for frame in frames] == [1, 2, 3, 4]
    assert [frame.name for frame in frames[:2]] == ["frame-00000001", "frame-00000002"]
    assert "--width 320 --height 240 --framerate 200" in camera.runs[0] and not camera.processes()


def test_the_older_name_of_the_program_is_taken_too(camera: FakeCamera) -> None:
    camera.install("steady", "libcamera-vid")
    source = Camera(FAST, pytest.fail)
    assert len(first(source, 2)) == 2 and "libcamera-vid" in source.title


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ("dies:2 steady", "exit code 255: [0:13:37.1] [777] ERROR V4L2 v4l2_videodevice.cpp:1896 Dequeue timer"),
        ("hangs:2 steady", "gave no frame for 2 s"),
        ("half:2 steady", "exit code 1"),
        ("begins:2 steady", "gave no frame for 2 s"),
        ("none dies:2 steady", "no cameras available"),
        ("hangs:0 steady", "gave no frame for 2 s"),
    ],
)
def test_one_that_fails_is_started_anew_and_it_is_said(runs: str, words: str, camera: FakeCamera) -> None:
    camera.install(runs)
    told: list[str] = []
    source = Camera(SOON_GIVEN_UP if "gave no frame" in words else FAST, told.append)
    frames = first(source, 5)
    assert [frame.number for frame in frames] == [1, 2, 3, 4, 5] and len(camera.runs) == len(runs.split())
    assert words in told[0] and "opening it again in 0.02 s" in told[0]
    assert source.damaged == (runs.startswith(("half", "begins"))) and not camera.processes()


def test_one_of_few_frames_is_given_the_time_of_two(camera: FakeCamera) -> None:
    camera.install("hangs:1 steady")
    told: list[str] = []
    settings = replace(FAST, fps=0.5, timeout=0.1)
    assert len(first(Camera(settings, told.append), 2)) == 2
    assert told == [
        f"{Camera(settings, pytest.fail).title} gave no frame for 4 s and was stopped; opening it again in 0.02 s"
    ]


def test_one_that_leaves_a_process_behind_is_not_waited_for(camera: FakeCamera) -> None:
    camera.install("leaves:2 steady")
    told: list[str] = []
    try:
        assert [frame.number for frame in first(Camera(FAST, told.append), 3)] == [1, 2, 3]
        assert "exit code 255" in told[0]
    finally:
        os.kill(int(camera.log.with_suffix(".left").read_text()), signal.SIGKILL)


@pytest.mark.parametrize(("runs", "words"), [("none", "255: ERROR: *** no cameras available"), ("text", "no MJPEG")])
def test_without_any_frame_it_ends_with_what_the_camera_said(
    runs: str, words: str, camera: FakeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgecnn.device.live.sources.jpeg_stream.MAX_FRAME_BYTES", 1 << 20)
    camera.install(runs)
    told: list[str] = []
    with pytest.raises(SourceError, match=words.replace("*", r"\*")):
        first(Camera(FAST, told.append), 1)
    assert len(camera.runs) == 3 and len(told) == 2 and not camera.processes()


def test_closing_ends_one_that_hangs_at_once(camera: FakeCamera) -> None:
    camera.install("hangs:1")
    source = Camera(SourceSettings(fps=200, timeout=60), pytest.fail)
    frames = iter(source)
    assert next(frames).number == 1
    threading.Timer(0.1, source.close).start()
    started = time.monotonic()
    assert list(frames) == [] and time.monotonic() - started < 50 and not camera.processes()


def test_a_frame_that_was_begun_when_it_was_closed_is_not_a_damaged_one(camera: FakeCamera) -> None:
    camera.install("begins:1")
    source = Camera(SourceSettings(fps=200, timeout=60), pytest.fail)
    frames = iter(source)
    assert next(frames).number == 1
    threading.Timer(0.5, source.close).start()  # time for the half to come
    assert list(frames) == [] and source.damaged == 0


def test_without_the_program_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="apt install rpicam-apps"):
        Camera(FAST, pytest.fail)
