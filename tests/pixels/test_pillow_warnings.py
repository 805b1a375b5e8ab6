"""Decoding in threads leaves the program's own warnings as they were."""

import threading
import warnings

import pytest

from edgecnn.pixels.pillow_warnings import without_pillows_warnings
from tests.support.waiting import PATIENCE


def test_threads_that_overlap_put_back_what_was_there() -> None:
    before = list(warnings.filters)
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()

    def second() -> None:
        first_is_in.wait(PATIENCE)
        with without_pillows_warnings():
            second_is_in.set()
            first_is_out.wait(PATIENCE)

    other = threading.Thread(target=second)
    other.start()
    with without_pillows_warnings():
        first_is_in.set()
        assert second_is_in.wait(PATIENCE)
    first_is_out.set()
    other.join()
    assert list(warnings.filters) == before


def test_warnings_are_kept_away_inside_and_come_again_outside() -> None:
    with without_pillows_warnings():
        warnings.warn("odd", UserWarning, stacklevel=1)  # an error in these tests, if it came
        with without_pillows_warnings():
            warnings.warn("odd", UserWarning, stacklevel=1)
        warnings.warn("odd", UserWarning, stacklevel=1)
    with pytest.warns(UserWarning, match="odd"):
        warnings.warn("odd", UserWarning, stacklevel=1)


def test_an_error_inside_puts_them_back_too() -> None:
    before = list(warnings.filters)
    with pytest.raises(OSError, match="damaged"), without_pillows_warnings():
        raise OSError("damaged")
    assert list(warnings.filters) == before
