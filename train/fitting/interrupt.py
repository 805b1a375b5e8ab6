"""Ctrl-C while a training runs: never amid a step or a save, where it could tear threads or files apart."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interrupt:
    """A context in which Ctrl-C is remembered until `raise_if_pressed` is called.

    A second one counts at once, but for saves.
    """

    def __init__(self) -> None:
        self._presses = 0
        self._saving = False

    def __enter__(self) -> "Interrupt":
        self._main = threading.current_thread() is threading.main_thread()  # signals reach no other
        if self._main:
            self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *_: object) -> None:
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, _number: int, _frame: FrameType | None) -> None:
        self._presses += 1
        if self._presses > 1 and not self._saving:
            raise KeyboardInterrupt

    def raise_if_pressed(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C was pressed."""
        if self._presses:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def saving(self) -> Iterator[None]:
        """Keep files that belong together of the same epoch: nothing interrupts the block."""
        self._saving = True
        try:
            yield
        finally:
            self._saving = False
