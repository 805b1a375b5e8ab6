"""The lesson on the first hour with a camera, from its beginning to its end; pictures stand in for the camera."""

import contextlib
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgecnn.device import Classifier
from tests.support.command_line import Run
from tests.support.live_page import ask, frame_of, text_of
from tests.support.pages import lines
from tests.support.processes import in_time
from tests.support.waiting import PATIENCE, until

from websockets.sync.client import connect  # isort: skip - after what skips without the extra

LESSON = Path(__file__).parents[2] / "docs/tutorials/the-first-hour-with-a-camera.md"


@contextlib.contextmanager
def watching(words: list[str], folder: Path) -> Iterator[Any]:
    """`edgecnn live` as the page has it, but on a free port and in a hurry, and a viewer of it; then Ctrl-C."""
    command = [sys.executable, "-m", *words, "--port", "0", "--fps", "20"]
    live = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    with live, in_time(live):
        try:
            assert live.stderr
            port = re.search(r"The page: http://127.0.0.1:(\d+)/", live.stderr.readline())
            assert port, live.stderr.read()
            with connect(f"ws://127.0.0.1:{port[1]}/api/frames", proxy=None, max_size=None) as viewer:
                yield viewer
        finally:
            live.send_signal(signal.SIGINT)
            assert "frames" in live.communicate(timeout=PATIENCE)[1]
        assert live.returncode == 0


def frame_with_a_map(viewer: Any) -> dict[str, Any]:
    """The first one that was classified after maps were asked for."""
    while True:
        ask(viewer, [[0, 0, 64]])
        if (frame := frame_of(viewer))["values"]:
            return frame


def keep(viewer: Any, folder: Path) -> None:
    """Keep four sneakers, and the bag four times, as somebody would with Pause, a choice and Keep frame."""
    labels = text_of(viewer, "hello")["labels"]
    missing = {"Sneaker": 4, "Bag": 4}
    while any(missing.values()):
        ask(viewer, [])
        frame = frame_of(viewer)
        best = frame["predictions"][0]["label"]
        if missing.get(best):
            viewer.send(json.dumps({"ask": "keep", "frame": frame["frame"], "label": labels.index(best)}))
            assert text_of(viewer, "note").startswith(f"kept as {best}/")
            missing[best] -= 1
    assert {path.parent.name for path in (folder / "things").rglob("*.png")} == {"Sneaker", "Bag"}


def doubt(viewer: Any, folder: Path) -> None:
    """Wait until frames were kept; they are those that the lesson names, as sure as it says, and no others."""
    named = {(label.title(), sure) for label, sure in re.findall(r"the (\w+), (\d\d) %", LESSON.read_text())}
    assert named
    assert until(lambda: kept(folder) == named)


def kept(folder: Path) -> set[tuple[str, str]]:
    """The class and the percents in the name of each doubtful frame."""
    done = (path for path in (folder / "unsure").glob("*.png") if not path.name.startswith("."))  # one being written
    return {(path.stem.split("-")[2], path.stem.rpartition(".")[2]) for path in done}


def see_own_classes(viewer: Any, folder: Path) -> None:
    """The network that was trained in between watches."""
    assert text_of(viewer, "hello")["labels"] == ["Bag", "Sneaker"]
    assert frame_with_a_map(viewer)["values"][0].shape[2] == 64


def see(viewer: Any, folder: Path) -> None:
    """Frames come, with maps, and it can be asked why."""
    frame = frame_with_a_map(viewer)
    assert frame["values"][0].shape == (26, 26, 64)
    viewer.send(json.dumps({"ask": "why", "frame": frame["frame"], "method": "rise", "label": 5}))
    assert text_of(viewer, "why")["target"]["label"] == "Sandal"


DONE: list[Callable[[Any, Path], None]] = [see, doubt, keep, see_own_classes]


def test_the_lesson_runs_as_written(edgecnn: Run, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    meanwhile = iter(DONE)
    for words in lines(LESSON, "sh"):
        if words[:2] == ["edgecnn", "live"]:
            with watching(words, tmp_path) as viewer:
                next(meanwhile)(viewer, tmp_path)
        elif words[0] == "edgecnn":
            with contextlib.chdir(tmp_path):
                done = edgecnn(*words[1:])
            assert done.exit_code == 0, done.output
    assert next(meanwhile, None) is None
    assert Classifier(tmp_path / "runs/things/model.int8.tflite").labels == ("Bag", "Sneaker")
