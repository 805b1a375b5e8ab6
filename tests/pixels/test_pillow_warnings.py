"""Decoding in threads leaves the program's own warnings as they were."""

import threading
import warnings

import pytest

from edgecnn import EdgecnnWarning
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


def warn_as(module: str) -> None:
    warnings.warn_explicit("odd", UserWarning, "file.py", 1, module)


@pytest.mark.parametrize("module", ["PIL.Image", "PIL.TiffImagePlugin", "pillow_heif.as_plugin"])
def test_decoders_warnings_are_kept_away_inside_and_come_again_outside(module: str) -> None:
    with without_pillows_warnings():
        warn_as(module)  # an error in these tests, if it came
        with without_pillows_warnings():
            warn_as(module)
        warn_as(module)
    with pytest.warns(UserWarning, match="odd"):
        warn_as(module)


def test_what_other_threads_warn_of_meanwhile_comes_through() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", EdgecnnWarning)
        with without_pillows_warnings(), pytest.raises(EdgecnnWarning, match="going on with the CPU"):
            warnings.warn_explicit("going on with the CPU", EdgecnnWarning, "file.py", 1, "edgecnn.device.runtime")


def test_an_error_inside_puts_them_back_too() -> None:
    before = list(warnings.filters)
    with pytest.raises(OSError, match="damaged"), without_pillows_warnings():
        raise OSError("damaged")
    assert list(warnings.filters) == before
