"""A folder and those in it or linked to, each once."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from .skipped_files import is_clutter


def nested_folders(folder: Path, refuse: Callable[[OSError], None]) -> Iterator[tuple[str, list[str]]]:
    """The path of a folder and of each in it, with the names of the files there; without what is clutter.

    Pipes and devices are left out: who reads them waits for ever. Links are followed when all else is walked: so a
    folder is met under its own name, and none twice.

    Args:
        folder: where to begin.
        refuse: gets the error of a folder that cannot be read.
    """
    starts, seen = [str(folder)], set[str]()
    for start in starts:
        for place, folders, names in os.walk(start, onerror=refuse):
            real = os.path.realpath(place)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(name for name in folders if not is_clutter(name))
            starts += (path for name in folders if os.path.islink(path := os.path.join(place, name)))
            yield place, [name for name in names if not is_special(os.path.join(place, name))]


def is_special(path: str) -> bool:
    """Whether it is a pipe, a socket or a device, or a link to one."""
    try:
        mode = os.stat(path).st_mode
    except OSError:  # a broken link: whoever reads it says so
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
