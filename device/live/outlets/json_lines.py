"""Each change as a line of JSON, for the program at the other end of a pipe."""

import json
from collections.abc import Mapping
from typing import Any, TextIO

from ..observation import Change


class JsonLines:
    """Writes each change to a stream, at once."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self._stream = stream

    def __call__(self, change: Change) -> None:
        """Write one.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        write_line(self._stream, change.row())


def write_line(stream: TextIO, row: Mapping[str, Any]) -> None:
    """Write a line at once; in ASCII, which every terminal and program takes."""
    stream.write(f"{json.dumps(row)}\n")
    stream.flush()
