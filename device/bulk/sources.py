"""Where images come from, one after another: files here, frames of cameras and films in live/frame_images.py."""

import os
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Protocol

from edgecnn.errors import InputError
from edgecnn.pixels import preprocessing
from edgecnn.pixels.image_files import find_images

# What stands under an image's name: what `edgecnn.pixels.preprocessing.prepare_source` takes, or why there is none.
ImageOrError = preprocessing.Source | InputError


class Source(Protocol):
    """Images with their names, in order.

    A new source is a class of this shape in a file of its own, and the option of `edgecnn classify` that opens it.
    """

    @property
    def count(self) -> int | None:
        """How many images it has; None if it is endless.

        An endless one is asked for an image only when the one before is done: what a camera shows is the present.
        """
        ...

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """A name and its image; where an image cannot be had, the error that says why."""
        ...


class ImageFiles:
    """Files, glob patterns and folders, as they are named; `-` for one image on standard input.

    Attributes:
        patterns: as they are named.
        names: of the images, in order; what stands for no image is among them, under its own name.
        errors: why a name stands for none.
        counts: how many names each pattern stands for.
        count: how many names.
    """

    def __init__(self, patterns: Iterable[str], note: Callable[[str], None] = lambda _: None) -> None:
        """Find the files; none is opened.

        Args:
            patterns: see `edgecnn.pixels.image_files.find_images`.
            note: is told, once a folder, what lies there beside images.
        """
        self.names: list[str] = []
        self.errors: dict[str, InputError] = {}
        self.patterns = list(patterns)
        self.counts: list[int] = []
        for pattern in self.patterns:
            before = len(self.names)
            try:
                self.names += self._find(pattern, note)
            except InputError as error:
                self.names.append(pattern)
                self.errors[pattern] = error
            self.counts.append(len(self.names) - before)
        self.count = len(self.names)

    @staticmethod
    def _find(pattern: str, note: Callable[[str], None]) -> list[str]:
        if not os.path.isdir(pattern):
            return find_images([pattern])
        from edgecnn.pixels.skipped_files import Skipped  # one file that is named need not wait for it

        skipped = Skipped()
        names = find_images([pattern], skipped)
        if skipped:
            note(f"{pattern}: left out what is no image: {skipped.words()}")
        return names

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """Each name, with its path or with its error."""
        for name in self.names:
            yield name, self.errors.get(name, name)


class Remaining:
    """What of a source is not done yet.

    Attributes:
        count: of the whole source.
    """

    def __init__(self, source: Source, done: Container[str]) -> None:
        """Those whose names are not in `done`."""
        self.count = source.count
        self._source, self._done = source, done

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """As the source has them."""
        return ((name, image) for name, image in self._source if name not in self._done)
