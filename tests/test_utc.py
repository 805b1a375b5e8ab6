"""Times in reports are UTC, to the millisecond."""

import time

import pytest

from edgecnn.utc import utc, utc_now


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_800_000_000.25, "2027-01-15T08:00:00.250Z"),
        (0.9996, "1970-01-01T00:00:00.999Z"),
    ],
)
def test_a_time_is_written_in_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert utc(seconds) == text


def test_now_lies_between_before_and_after() -> None:
    before = utc(time.time())
    assert before <= utc_now() <= utc(time.time())
