"""Ctrl-C that is pressed once, held, and pressed again."""

import os
import signal
import time

from edgecnn.cli.stopping import ONE_PRESS_S, once_a_press


def test_what_follows_at_once_is_the_same_press_and_one_that_is_held_is_heard_again() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, once_a_press(lambda number, _: heard.append(number)))
    try:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
        assert len(heard) == 1
        end = time.monotonic() + 3 * ONE_PRESS_S
        while time.monotonic() < end:
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.02)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert 3 <= len(heard) <= 4
