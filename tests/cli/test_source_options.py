"""What the options say of a source is how it is opened."""

from pathlib import Path

import pytest

from edgecnn.cli.source_options import SourceOptions
from edgecnn.device.live.sources.source import SourceSettings
from tests.support.cameras import garment
from tests.support.command_line import Run, sentence


def test_a_source_is_opened_as_the_options_say() -> None:
    options = SourceOptions(size=(320, 240), fps=12.5, timeout=0.25, loop=True)
    expected = SourceSettings(width=320, height=240, fps=12.5, timeout=0.25, paced=True, loop=True)
    assert options.settings(paced=True) == expected
    assert not options.settings(paced=False).paced


@pytest.mark.parametrize("command", ["live", "classify"])
@pytest.mark.parametrize(
    ("source", "option", "others"),
    [
        ("camera", ("--loop",), "samples, URL, FOLDER, FILE"),
        ("/dev/video0", ("--loop",), "samples, URL, FOLDER, FILE"),
        ("film.mp4", ("--fps", "5"), "camera, samples, /dev/video0, FOLDER"),
        ("rtsp://eve:secret@cam/1", ("--fps", "5"), "camera, samples, /dev/video0, FOLDER"),
        ("rtsp://eve:secret@cam/1", ("--size", "32x24"), "camera, /dev/video0"),
        (".", ("--size", "640x480"), "camera, /dev/video0"),
        ("samples", ("--size", "32x24"), "camera, /dev/video0"),
    ],
)
def test_what_means_nothing_to_a_source_is_refused(
    command: str,
    source: str,
    option: tuple[str, ...],
    others: str,
    edgecnn: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "film.mp4").write_bytes(b"a film")
    said = sentence(edgecnn(command, "fashion-mnist", "--source", source, *option), exit_code=2)
    assert f"{option[0]} means nothing to a source such as " in said and f"but to {others}; leave it out" in said


def test_what_means_something_is_taken(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(garment())
    for source in (tmp_path, "samples"):
        options = ("--fps", "1000", "--loop", "--frames", "2", "--timeout", "9", "--no-page")
        assert edgecnn("live", "fashion-mnist", "--source", source, *options).exit_code == 0
