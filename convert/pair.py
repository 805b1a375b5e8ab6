"""What a model and its activations variant have two of: paths, flatbuffers, sessions, figures."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One thing of the plain model, and the same of its activations variant.

    Attributes:
        plain: of the model that returns probabilities alone.
        activations: of the variant that returns feature maps too; None where it is not wanted.
    """

    plain: T
    activations: T | None = None

    def __iter__(self) -> Iterator[T]:
        """Those that there are, the plain model's first."""
        yield self.plain
        if self.activations is not None:
            yield self.activations

    def map(self, change: Callable[[T], U]) -> "Pair[U]":
        """What `change` makes of each that there is."""
        return Pair(change(self.plain), None if self.activations is None else change(self.activations))
