"""Each change as a line of JSON, for the program at the other end of a pipe."""

import json
from typing import TextIO

from ..observation import Change


class JsonLines:
    """Writes each change to a stream, at once."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream

    def __call__(self, change: Change) -> None:
        """Write one; in ASCII, which every terminal and program takes.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        self._stream.write(f"{json.dumps(change.row())}\n")
        self._stream.flush()
