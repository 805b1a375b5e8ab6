"""Image files as frames: their own bytes, at a pace, once or again and again."""

import time
from pathlib import Path

import pytest

from edgecnn import InputError, SourceError
from edgecnn.device.live.sources.folder import open_images, open_samples
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.model_file.bundled import sample_images
from tests.support.cameras import first, jpeg

AT_ONCE = SourceSettings(paced=False)


def test_a_folder_gives_the_bytes_of_its_images_in_order_once(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.jpg"):
        (tmp_path / name).write_bytes(jpeg(colour="red" if name == "a.jpg" else "blue"))
    frames = list(open_images(str(tmp_path), AT_ONCE, pytest.fail))
    assert [(frame.name, frame.data) for frame in frames] == [
        (str(tmp_path / name), (tmp_path / name).read_bytes()) for name in ("a.jpg", "b.jpg")
    ]


def test_images_follow_one_another_at_the_rate_and_begin_again(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    started = time.monotonic()
    frames = first(open_images(str(tmp_path), SourceSettings(fps=20, loop=True), pytest.fail), 4)
    assert [frame.number for frame in frames] == [1, 2, 3, 4] and time.monotonic() - started > 0.14


def test_a_file_that_is_gone_is_said_and_the_others_are_shown(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    told: list[str] = []
    source = open_images(str(tmp_path), AT_ONCE, told.append)
    (tmp_path / "a.jpg").unlink()
    assert [Path(frame.name).name for frame in source] == ["b.jpg"] and source.damaged == 1
    assert "a.jpg: cannot be read" in told[0]


def test_a_file_that_is_gone_is_said_once_however_often_the_folder_begins_again(tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).write_bytes(jpeg())
    told: list[str] = []
    source = open_images(str(tmp_path), SourceSettings(paced=False, loop=True), told.append)
    for name in ("a.jpg", "c.jpg"):
        (tmp_path / name).unlink()
    assert {Path(frame.name).name for frame in first(source, 5)} == {"b.jpg"} and source.damaged == 2
    assert [sentence.partition(": ")[0] for sentence in told] == [str(tmp_path / name) for name in ("a.jpg", "c.jpg")]


def test_a_loop_shows_what_was_put_into_the_folder_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "b.jpg").write_bytes(jpeg())
    frames = iter(open_images(str(tmp_path), SourceSettings(paced=False, loop=True), pytest.fail))
    shown = [next(frames)]
    (tmp_path / "a.jpg").write_bytes(jpeg())
    shown += [next(frames) for _ in range(3)]
    assert [Path(frame.name).name for frame in shown] == ["b.jpg", "a.jpg", "b.jpg", "a.jpg"]


def test_a_loop_whose_files_are_all_gone_ends(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg())
    source = open_images(str(tmp_path), SourceSettings(paced=False, loop=True), lambda _: None)
    (tmp_path / "a.jpg").unlink()
    with pytest.raises(SourceError, match="none of its files"):
        list(source)


def test_an_empty_folder_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        open_images(str(tmp_path), AT_ONCE, pytest.fail)


def test_samples_are_slides_where_they_are_watched_and_files_where_not(monkeypatch: pytest.MonkeyPatch) -> None:
    worked_through = [frame.name for frame in open_samples("samples", AT_ONCE, pytest.fail)]
    assert worked_through == [str(path) for path in sample_images()]
    monkeypatch.setattr("edgecnn.device.live.sources.folder._SECONDS_A_SLIDE", 0.01)
    count = 2 * len(worked_through)
    slides = [frame.name for frame in first(open_samples("samples", SourceSettings(fps=200), pytest.fail), count + 1)]
    assert slides[:-1:2] == slides[1::2] == worked_through and slides[-1] == worked_through[0]
