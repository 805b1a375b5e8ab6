"""A camera or a stream that fails is opened anew, after waits that double, and every time it is said."""

import threading
from collections.abc import Callable, Iterator

from edgecnn.errors import SourceError

from .source import Tell

LONGEST_WAIT = 30.0  # seconds
TRIES = 3  # before the first frame; a source that gave one is opened anew for ever


def keep_open(
    attempt: Callable[[], Iterator[bytes]], stopped: threading.Event, tell: Tell, first_wait: float
) -> Iterator[bytes]:
    """The frames of a source that is to go on, until an attempt ends without an error.

    Args:
        attempt: opens it and gives its frames; raises SourceError when it fails, with the reason.
        stopped: ends it all.
        tell: hears each failure, and when it is opened again.
        first_wait: seconds.

    Yields:
        Each frame.

    Raises:
        SourceError: it failed `TRIES` times and there never was a frame.
    """
    wait, failures, was_seen = first_wait, 0, False
    while not stopped.is_set():
        try:
            for data in attempt():
                wait, failures, was_seen = first_wait, 0, True
                yield data
            return
        except SourceError as error:
            reason = str(error)
        if stopped.is_set():
            return
        failures += 1
        if not was_seen and failures == TRIES:
            raise SourceError(reason)
        tell(f"{reason}; opening it again in {wait:.3g} s")
        stopped.wait(wait)
        wait = min(2 * wait, LONGEST_WAIT)
