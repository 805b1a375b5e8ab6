"""How work goes on: a line on a terminal that is written over, or now and then a line elsewhere."""

import os
import sys
import time

import click

from edgecnn.native_output import stderr_lock
from edgecnn.printable import printable

_USUAL_COLUMNS = 80


class StatusLine:
    """A line on standard error.

    Attributes:
        is_terminal: whether it is one that is written over.
    """

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self.is_terminal = sys.stderr is not None and sys.stderr.isatty()
        self._is_shown = False

    def show(self, text: str) -> None:
        """Write it, on a terminal over the one before, as far as it fits: but one row can be."""
        self._is_shown, text = self.is_terminal, printable(text)
        self._write(f"\r{text[: _columns() - 1]}\x1b[K" if self.is_terminal else f"{text}\n")

    def clear(self) -> None:
        """Take the line away, where there is one."""
        if self._is_shown:
            self._is_shown = False
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        with stderr_lock():
            click.echo(text, err=True, nl=False)


def _columns() -> int:
    """How wide the terminal is; where it does not say, as on a serial line, what is usual."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


class Progress:
    """Rate and time left, on a terminal once a second, elsewhere every half minute."""

    def __init__(self, total: int | None) -> None:
        """Nothing is done of `total`; None where nobody knows how many there will be."""
        self._total, self._count = total, 0
        self._started = self._shown = time.monotonic()
        self._line = StatusLine()

    def step(self) -> None:
        """One image more."""
        self._count += 1
        now = time.monotonic()
        if now - self._shown < (1 if self._line.is_terminal else 30):
            return
        self._shown = now
        rate = self._count / (now - self._started)
        if self._total is None:
            self._line.show(f"{self._count:,} images, {rate:,.0f} images/s")
            return
        text = f"{self._count:,} of {self._total:,} images, {rate:,.0f} images/s, "
        self._line.show(f"{text}{(self._total - self._count) / rate:,.0f} s left")

    def clear(self) -> None:
        """Take the line away, where there is one."""
        self._line.clear()
