"""How work goes on: over and over in one line of a terminal, and in a line of its own now and then elsewhere."""

import io
import os
import struct
from types import SimpleNamespace

import pytest

from edgecnn.cli import status_line
from edgecnn.cli.status_line import Progress, StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def standard_error(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """`stream` as standard error: in the test itself, for pytest puts its own there before."""
    monkeypatch.setattr("sys.stderr", stream)
    return stream


def test_on_a_terminal_a_line_is_written_over_and_taken_away_once(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = standard_error(Terminal(), monkeypatch)
    line = StatusLine()
    line.clear()  # there is none
    line.show("Bag 91%")
    line.show("Coat\x1b[2J")
    line.clear()
    line.clear()
    assert terminal.getvalue() == "\rBag 91%\x1b[K\rCoat\\x1b[2J\x1b[K\r\x1b[K"


@pytest.mark.skipif(os.name != "posix", reason="terminals of other systems are set in another way")
@pytest.mark.parametrize(("columns", "room"), [(120, 119), (40, 39), (0, 79)])
def test_a_line_takes_no_more_than_one_row_of_a_terminal(
    columns: int, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl
    import pty
    import termios

    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        terminal = standard_error(Terminal(), monkeypatch)
        monkeypatch.setattr(terminal, "fileno", lambda: slave)
        StatusLine().show("x" * 500)
    finally:
        os.close(master)
        os.close(slave)
    assert terminal.getvalue() == f"\r{'x' * room}\x1b[K"


def test_elsewhere_each_line_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = standard_error(io.StringIO(), monkeypatch)
    line = StatusLine()
    line.show("Bag 91%")
    line.clear()
    line.show("Coat 80%")
    assert elsewhere.getvalue() == "Bag 91%\nCoat 80%\n"


def steps(count: int, total: int | None, monkeypatch: pytest.MonkeyPatch) -> Progress:
    """The progress of `count` images, four a second."""
    clock = iter(number / 4 for number in range(count + 1))
    monkeypatch.setattr(status_line, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    progress = Progress(total)
    for _ in range(count):
        progress.step()
    return progress


def test_on_a_terminal_progress_is_shown_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = standard_error(Terminal(), monkeypatch)
    progress = steps(11, 1203, monkeypatch)
    shown = ["4 of 1,203 images, 4 images/s, 300 s left", "8 of 1,203 images, 4 images/s, 299 s left"]
    assert terminal.getvalue() == "".join(f"\r{text}\x1b[K" for text in shown)
    progress.clear()
    assert terminal.getvalue().endswith("left\x1b[K\r\x1b[K")


def test_elsewhere_progress_is_shown_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = standard_error(io.StringIO(), monkeypatch)
    steps(250, 1200, monkeypatch).clear()
    assert elsewhere.getvalue().splitlines() == [
        "120 of 1,200 images, 4 images/s, 270 s left",
        "240 of 1,200 images, 4 images/s, 240 s left",
    ]


def test_where_nobody_knows_how_many_there_will_be_no_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = standard_error(Terminal(), monkeypatch)
    steps(4, None, monkeypatch)
    assert terminal.getvalue() == "\r4 images, 4 images/s\x1b[K"
