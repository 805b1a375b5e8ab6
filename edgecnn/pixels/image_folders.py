"""Images in folders, and in the folders that these hold or link to."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import InputError
from .image_files import SUFFIXES
from .skipped_files import Skipped, is_clutter


def images_in(folder: Path, skipped: Skipped | None) -> list[str]:
    """The paths of the images in a folder and those in it, sorted; see `edgecnn.pixels.image_files.find_images`.

    Args:
        folder: to be searched.
        skipped: counts the other files.

    Raises:
        InputError: it holds no image, or a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"the folder {error.filename} cannot be read ({error.strerror})") from None

    paths: list[str] = []
    others = Skipped()
    for place, names in _folders_in(folder, refuse):
        for name in names:
            if is_clutter(name):
                continue
            if Path(name).suffix.lower() in SUFFIXES:
                paths.append(str(Path(place, name)))
            else:
                others.count(name)
    if not paths:
        held = f" but {others.words()}" if others else ""
        raise InputError(f"the folder {folder} holds no images{held}; give a folder with .png or .jpg files")
    if skipped is not None:
        skipped.add(others)
    return sorted(paths)


def _folders_in(folder: Path, refuse: Callable[[OSError], None]) -> Iterator[tuple[str, list[str]]]:
    """A folder and those in it, with their files; links are followed when all else is walked, so each comes once."""
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
            yield place, names
