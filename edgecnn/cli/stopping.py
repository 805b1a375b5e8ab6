"""Ctrl-C and SIGTERM are how what has no end is ended, and no failure."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first Ctrl-C or SIGTERM within the block; a second one does what it always does.

    Args:
        stop: lets the block come to its end; called in the main thread, between two steps of whatever it does.
    """
    if threading.current_thread() is not threading.main_thread():  # Python hears signals there alone
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def hear(_: int, __: FrameType | None) -> None:
        restore()
        stop()

    for number in before:
        signal.signal(number, hear)
    try:
        yield
    finally:
        restore()
