"""Ctrl-C that is pressed once, held, and pressed again."""

import os
import signal
import time

import pytest

from edgecnn.cli.stopping import ONE_PRESS_S, once_a_press, stopped_by_signals


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


def test_behind_the_block_signals_are_heard_as_before() -> None:
    stops: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    with stopped_by_signals(lambda: stops.append(1)):
        assert [signal.getsignal(number) for number in numbers] != before
        os.kill(os.getpid(), signal.SIGTERM)
    assert stops == [1] and [signal.getsignal(number) for number in numbers] == before


def press_twice() -> None:
    for _ in range(2):
        time.sleep(ONE_PRESS_S + 0.1)
        os.kill(os.getpid(), signal.SIGINT)


def test_a_second_press_ends_what_does_not_stop() -> None:
    stops: list[int] = []
    # As in a process that another one watches over.
    before = signal.signal(signal.SIGINT, once_a_press(signal.default_int_handler))
    try:
        with pytest.raises(KeyboardInterrupt), stopped_by_signals(lambda: stops.append(1)):
            press_twice()
        assert stops == [1]
    finally:
        signal.signal(signal.SIGINT, before)
