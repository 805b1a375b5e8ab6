"""Ctrl-C and SIGTERM are how what has no end is ended, and no failure."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

# What follows within so many seconds is the same Ctrl-C: some terminals send two signals for one, and a process that
# watches over this one sends on what the terminal sent to both.
ONE_PRESS_S = 0.5
Handler = Callable[[int, FrameType | None], object]
_last: dict[int, float] = {}  # when each signal was last taken for a press


def once_a_press(handler: Handler) -> Handler:
    """A handler of a signal that calls `handler`, and not again for what is the same press."""

    def hear(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - _last.get(number, -math.inf) > ONE_PRESS_S:
            _last[number] = now
            handler(number, frame)

    return hear


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

    is_stopping = False

    def hear(number: int, _: FrameType | None) -> None:
        nonlocal is_stopping
        if is_stopping:
            restore()
            del _last[number]  # which is another press than the first
            signal.raise_signal(number)
        else:
            is_stopping = True
            stop()

    for number in before:
        signal.signal(number, once_a_press(hear))
    try:
        yield
    finally:
        restore()
