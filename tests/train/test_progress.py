"""What people see of a training: lines, a table, TensorBoard."""

import io
import os
import pty
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from edgecnn.train import Epoch, progress
from edgecnn.train.progress import Lines, Live, TensorBoard
from tests.support.processes import in_time
from tests.support.waiting import PATIENCE

EPOCHS = [
    Epoch(1, loss=0.9, accuracy=0.71, learning_rate=1e-3, seconds=2.0, validation_loss=0.8, validation_accuracy=0.74),
    Epoch(2, loss=0.5, accuracy=0.82, learning_rate=5e-4, seconds=4.0, validation_loss=0.6, validation_accuracy=0.81),
]


@pytest.mark.parametrize("kind", [Lines, Live])
def test_every_epoch_is_told_with_its_figures(kind: type[Lines], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):  # they would make a terminal of the text
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    stream = io.StringIO()
    console = kind(stream)
    console.start("CPU", 1234, 10, 2, 980)
    for epoch in EPOCHS:
        console.step(epoch.epoch, 1, 1.0, 0.5)
        console.finish_epoch(epoch)
    console.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "training 1,234 parameters on CPU, 10 steps an epoch"
    rows = [line for line in lines if " 1/2" in line or " 2/2" in line]
    for row, figures in zip(rows, [("0.9000", "0.7100", "0.7400", "490"), ("0.5000", "0.8100", "245")], strict=True):
        assert all(figure in row for figure in figures)


def test_the_running_epoch_is_shown_with_what_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    times = iter([10.0, 10.1, 11.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))
    stream = io.StringIO()
    console = Live(stream)
    console.start("CPU", 1234, 10, 2, 980)
    console.step(1, 1, 1.0, 0.5)
    console.step(1, 2, 0.9, 0.6)  # too soon to be shown
    console.step(1, 6, 0.5, 0.75)  # five more in a second
    console.close()
    shown = stream.getvalue()
    assert f"epoch 1/2 {12 * '━'}{8 * '╌'} loss 0.5000  accuracy 0.7500  490 images/s  1 s left" in shown
    assert f"epoch 1/2 {2 * '━'}{18 * '╌'} loss 1.0000" in shown and "0.9000" not in shown


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_told_while_the_table_grows_stands_above_it(terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    console = Live(stream)
    console.tell("before")
    console.start("CPU", 1234, 10, 2, 980)
    console.tell(f"features of [bold]{'x' * 60}\x1b")
    console.step(1, 1, 1.0, 0.5)
    console.finish_epoch(EPOCHS[0])
    console.tell("between")
    console.finish_epoch(EPOCHS[1])
    console.close()
    console.tell("after")
    console.step(1, 1, 1.0, 0.5)
    console.finish_epoch(EPOCHS[1])
    shown = stream.getvalue()
    assert f"features of [bold]{'x' * 60}\\x1b\n" in shown
    places = [shown.index(each) for each in ("before\n", "features", "between\n")]
    assert places == sorted(places) and places[-1] < shown.rindex("2/2") and shown.endswith("after\n")


def test_tensorboard_hands_on_what_people_see(tmp_path: Path) -> None:
    heard: list[object] = []

    class Listener(Lines):
        def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
            heard.append((device, parameters, steps, epochs, images))

        def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
            heard.append((epoch, step, loss, accuracy))

        def close(self) -> None:
            heard.append("close")

    stream = io.StringIO()
    board = TensorBoard(Listener(stream), tmp_path)
    board.start("CPU", 1234, 10, 2, 980)
    board.step(1, 2, 0.5, 0.25)
    board.close()
    assert heard == [("CPU", 1234, 10, 2, 980), (1, 2, 0.5, 0.25), "close"]
    board.tell("reading the teacher")
    assert stream.getvalue() == "reading the teacher\n"


def test_a_teacher_and_its_pupil_have_curves_of_their_own(tmp_path: Path) -> None:
    board = TensorBoard(Lines(io.StringIO()), tmp_path)
    for epochs in (EPOCHS, EPOCHS[:1]):
        board.start("CPU", 1234, 10, len(epochs), 980)
        for epoch in epochs:
            board.finish_epoch(epoch)
    board.close()
    curves = []
    for file in sorted((tmp_path / "train").iterdir()):
        events = EventAccumulator(str(file))
        events.Reload()
        curves.append([event.step for event in events.Tensors("loss")])
    assert sorted(curves) == [[1], [1, 2]]


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    board = TensorBoard(Lines(io.StringIO()), tmp_path)
    board.start("CPU", 1234, 10, 2, 980)
    assert not list(tmp_path.iterdir())
    for epoch in EPOCHS:
        board.finish_epoch(epoch)
    board.close()
    for folder, losses in (("train", [0.9, 0.5]), ("validation", [0.8, 0.6])):
        events = EventAccumulator(str(tmp_path / folder))
        events.Reload()
        found = events.Tensors("loss")
        assert [event.step for event in found] == [1, 2]
        np.testing.assert_allclose([tensor_util.make_ndarray(event.tensor_proto) for event in found], losses, rtol=1e-6)


def test_a_terminal_shows_a_table_and_is_left_in_order(few: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        *(sys.executable, "-m", "edgecnn", "train", "--data", str(few), "--epochs", "3", "--tensorboard"),
        *("--validation-split", "0.2", "--output", str(tmp_path / "run")),
    ]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(command, stderr=theirs, stdout=theirs, env=environment) as process, in_time(process):
        os.close(theirs)
        said = b""
        while True:
            try:
                said += os.read(ours, 4096)
            except OSError:  # the other side was closed
                break
        process.wait(PATIENCE)
    os.close(ours)
    assert process.returncode == 0, said
    text = said.decode()
    assert "val. accuracy" in text and "3/3" in text and "test accuracy" in text
    assert text.count("\x1b[?25h") == text.count("\x1b[?25l") == 1  # the cursor comes back
    assert (tmp_path / "run" / "tensorboard" / "train").is_dir()
