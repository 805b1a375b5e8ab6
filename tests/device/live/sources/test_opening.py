"""What --source says leads to the right kind of source, or to one sentence."""

import sys
from pathlib import Path

import pytest

from edgecnn import InputError
from edgecnn.device.live.sources.camera import Camera
from edgecnn.device.live.sources.folder import ImageFolder
from edgecnn.device.live.sources.opening import extra_of, open_source
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.device.live.sources.video import Video
from tests.support.cameras import FakeCamera, jpeg


def test_a_camera_is_the_raspberry_pis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCamera(tmp_path, monkeypatch).install("steady")
    assert isinstance(open_source("camera"), Camera)


@pytest.mark.parametrize("text", ["samples", "{}", "{}/*.jpg", "{}/a[1].jpg"])
def test_images_are_images(text: str, tmp_path: Path) -> None:
    (tmp_path / "a[1].jpg").write_bytes(jpeg())
    source = open_source(text.format(tmp_path))
    assert isinstance(source, ImageFolder) and not source.is_live


@pytest.mark.parametrize(
    ("text", "extra"),
    [
        *[(text, None) for text in ("camera", "samples", "/home/pi/shots", "/home/pi/*.JPG", "shots/*")],
        *[(text, "live") for text in ("rtsp://host/1", "http://host/a.jpg", "/dev/video0", "v4l2:/dev/x", "a.MP4")],
        ("/home/pi/a.HEIC", "heic"),
    ],
)
def test_what_a_source_elsewhere_needs_follows_from_its_name(text: str, extra: str | None) -> None:
    assert extra_of(text) == extra


@pytest.mark.parametrize(
    ("text", "is_live"),
    [("rtsp://host/1", True), ("/dev/video0", True), ("{}/film.mp4", False)],
)
def test_what_pyav_opens(text: str, is_live: bool, tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "film.mp4").write_bytes(b"")
    source = open_source(text.format(tmp_path), SourceSettings(paced=False))
    assert isinstance(source, Video) and source.is_live == is_live


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere other cameras are there")
@pytest.mark.parametrize(("text", "system"), [("avfoundation:0", "a Mac"), ("dshow:video=Door", "Windows")])
def test_cameras_of_other_systems_are_refused_with_what_one_is_called_here(text: str, system: str) -> None:
    pytest.importorskip("av")
    with pytest.raises(InputError, match=f"^{text} is a camera of {system}, .*; here a camera is called /dev/video0$"):
        open_source(text)


@pytest.mark.parametrize("text", ["v4l2:", "avfoundation:", "dshow:", "lavfi:"])
def test_a_camera_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=f"^{text} names no camera; write its name behind the colon$"):
        open_source(text)


@pytest.mark.parametrize("text", ["", "nowhere", "camera2", "nowhere.mp4", "0", "avfoundation", "v4l2"])
def test_what_is_no_source_is_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(InputError, match=r"there is no source .*camera\|samples"):
        open_source(text)
