"""Where images come from, one after another: files today; a source may also be endless, as a camera is."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from edgecnn.errors import InputError
from edgecnn.pixels import preprocessing
from edgecnn.pixels.image_files import find_images

# What stands under an image's name: what `edgecnn.pixels.preprocessing.prepare_source` takes, or why there is none.
ImageOrError = preprocessing.Source | InputError


class Source(Protocol):
    """Images with their names, in order.

    A new source is a class of this shape in a file of its own, and the option of `edgecnn classify` that opens it.

    Attributes:
        count: how many images it has; None if it is endless, and then each is asked for only when the one before is
            done, so that what a camera shows is the present.
    """

    count: int | None

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """A name and its image; where an image cannot be had, the error that says why."""
        ...


class ImageFiles:
    """Files, glob patterns and folders, as they are named; `-` for one image on standard input.

    Attributes:
        names: of the images, in order; what stands for no image is among them, under its own name.
        errors: why a name stands for none.
        count: how many names.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        """Find the files; none is opened.

        Args:
            patterns: see `edgecnn.pixels.image_files.find_images`.
        """
        self.names: list[str] = []
        self.errors: dict[str, InputError] = {}
        for pattern in patterns:
            try:
                self.names += find_images([pattern])
            except InputError as error:
                self.names.append(pattern)
                self.errors[pattern] = error
        self.count: int | None = len(self.names)

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """Each name, with its path or with its error."""
        for name in self.names:
            yield name, self.errors.get(name, name)
