"""Files that are written together are read together, though another process may replace them meanwhile."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from .errors import ModelFileError

T = TypeVar("T")
_TRIES = 5
_BETWEEN = 0.2  # seconds in which a set whose first file has its place gets the others


def read_together(paths: Sequence[Path], read: Callable[[], T]) -> T:
    """What `read` makes of the files of one set, see `edgecnn.atomic_files.together`; again where they were replaced.

    Nobody is held off, and nobody waits: a training keeps its model for hours, whose best epoch may be used meanwhile.

    Args:
        paths: of the files that `read` opens.
        read: is called until the files after it are those before it.

    Raises:
        ModelFileError: they are replaced all the time; or what `read` raises of files that stay as they are.
    """
    for _ in range(_TRIES):
        before = _facts(paths)
        try:
            found = read()
        except ModelFileError:
            time.sleep(_BETWEEN)
            if _facts(paths) == before:
                raise
            continue
        if _facts(paths) == before:
            return found
    raise ModelFileError(f"{paths[0]} is replaced again and again; wait until what writes it has ended")


def _facts(paths: Sequence[Path]) -> list[tuple[int, int, int] | None]:
    """What tells a file from the one that takes its place; None where there is none."""
    return [_of(path) for path in paths]


def _of(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
