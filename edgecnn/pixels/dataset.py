"""Labelled images, as the stages hand them to each other."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..arguments import is_whole
from ..errors import InputError
from ..printable import composed
from .input_spec import InputSpec


class Images(Protocol):
    """uint8 (count, height, width, channels): a NumPy array, or a view of a file that `numpy.asarray` reads."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(count, height, width, channels)."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    def __getitem__(self, index: Any, /) -> Any: ...

    def __array__(self) -> npt.NDArray[Any]: ...


@dataclass(frozen=True)
class Split:
    """Images uint8 (count, height, width, channels) and their labels.

    Attributes:
        labels: int64 (count,), indices into the class names; all -1 where nobody knows what the images show.
        names: of the files that the images were read from, within their folder; empty where they are from none.
    """

    images: Images
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...] = ()

    @property
    def is_labelled(self) -> bool:
        """Whether it is known what the images show."""
        return len(self.labels) > 0 and int(self.labels.min()) >= 0

    def __len__(self) -> int:
        return len(self.labels)

    def name_of(self, row: int, split: str) -> str:
        """What people call an image: its file, or its number in `split`, such as `test image 3`."""
        return self.names[row] if self.names else f"{split} image {row}"

    def count_classes(self, classes: int) -> npt.NDArray[np.int64]:
        """How many images of each of `classes` there are, int64 (classes,)."""
        # intp: on 32-bit processors bincount refuses int64.
        return np.bincount(self.labels.astype(np.intp), minlength=classes).astype(np.int64)

    def take(self, count: int) -> "Split":
        """The first `count` images."""
        return Split(self.images[:count], self.labels[:count], self.names[:count])

    def at(self, rows: npt.NDArray[np.int64]) -> "Split":
        """The images at `rows`, in this order."""
        return Split(self.images[rows], self.labels[rows], tuple(self.names[row] for row in rows) if self.names else ())

    def sample(self, count: int, seed: int = 0) -> "Split":
        """`count` images, see `stratified`, in the order in which they stand."""
        return self.at(self.drawn(count, seed))

    def drawn(self, count: int, seed: int = 0) -> npt.NDArray[np.int64]:
        """The rows of `sample`, int64 (count,)."""
        return np.sort(stratified(self.labels, count, seed))


@dataclass(frozen=True)
class Dataset:
    """A named data set.

    Attributes:
        labels: class names in label order.
        input: how these images, and others that are to be classified like them, become a network's input.
        sha256: what tells it from others, in hexadecimal: over its class names, prepared images and labels; of
            Fashion-MNIST over its four files.
        source: where it was found, for people.
        validation: images that the data set itself sets apart to choose the best epoch.
    """

    name: str
    labels: tuple[str, ...]
    input: InputSpec
    train: Split
    test: Split
    sha256: str
    source: str
    validation: Split | None = None

    def ordered_as(self, labels: tuple[str, ...]) -> "Dataset":
        """The same images with the class names of a model, to which the data set's own belong.

        Args:
            labels: of the model, in its output order; it may have more than the data set.

        Raises:
            ValueError: one of the data set's names is not among them.
        """
        if labels == self.labels:
            return self
        names = tuple(map(composed, labels))
        places = np.asarray([names.index(composed(name)) for name in self.labels], np.int64)

        def renumbered(split: Split) -> Split:
            return dataclasses.replace(split, labels=np.where(split.labels < 0, -1, places[split.labels]))

        validation = renumbered(self.validation) if self.validation else None
        train, test = renumbered(self.train), renumbered(self.test)
        return dataclasses.replace(self, labels=labels, train=train, test=test, validation=validation)


def check_seed(seed: int) -> None:
    """Make sure that every library takes `seed`.

    Raises:
        InputError: it is not a whole number from 0 to 2**32 - 1.
    """
    if not is_whole(seed) or not 0 <= seed < 1 << 32:
        raise InputError(f"seed must be a whole number from 0 to 2**32 - 1. Received: {seed!r}")


def held_back(
    labels: npt.NDArray[np.int64], share: float, seed: int, at_least: int = 0
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Split indices into those kept for training and those held back: of each class `share` (0 to 1), but never all.

    Of each class `at_least` so many are held back, however small `share` of it is.

    Returns:
        Two sorted int64 arrays; the second is empty for a share of 0.
    """
    generator, held = np.random.default_rng(seed), np.zeros(len(labels), dtype=bool)
    for value in np.unique(labels):
        members = generator.permutation(np.flatnonzero(labels == value))
        held[members[: min(max(at_least, round(share * len(members))), len(members) - 1)]] = True
    return np.flatnonzero(~held), np.flatnonzero(held)


def stratified(labels: npt.NDArray[np.int64], count: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw `count` indices, as many of each class as of any other while there are enough.

    Args:
        labels: int64 (n,), `count` of them at least.
        count: how many to draw.
        seed: the same seed draws the same indices.

    Returns:
        int64 (count,): in turn one of each class, each class in random order.
    """
    generator = np.random.default_rng(seed)
    shuffled = generator.permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.int64)
    for value in np.unique(labels):
        members = shuffled[labels[shuffled] == value]
        rank[members] = np.arange(len(members))
    return np.lexsort((labels, rank))[:count]
