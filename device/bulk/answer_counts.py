"""How often the answer was what, with what is no class told from classes that happen to be called the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..prediction import UNKNOWN

UNREADABLE = "unreadable"  # stands for the label of an image without one


@dataclass
class AnswerCounts:
    """Counts of images; of one thread at a time.

    Attributes:
        classes: how many images got which class of the model.
        unknown: how many were called unknown because their best score was too low.
        unreadable: how many cannot be classified.
    """

    classes: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    unreadable: int = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Count an image by its row of results."""
        if "error" in row:
            self.unreadable += 1
        elif row.get("guess"):
            self.unknown += 1
        else:
            self.classes[row["predictions"][0]["label"]] += 1

    @property
    def images(self) -> int:
        """How many there are."""
        return self.classes.total() + self.unknown + self.unreadable

    def count(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same rows, each of them counted when it goes by."""
        for row in rows:
            self.add(row)
            yield row

    def to_dict(self) -> dict[str, Any]:
        """For JSON: by label, and how many of `unknown` and `unreadable` are no classes."""
        labels = self.classes + Counter({UNKNOWN: self.unknown}) + Counter({UNREADABLE: self.unreadable})
        return {"counts": labels, "below_min_score": self.unknown, "unreadable": self.unreadable}

    def words(self) -> str:
        """The same for people, what is most frequent first."""
        named = [(count, label) for label, count in self.classes.items()]
        for count, label, reason in (
            (self.unknown, UNKNOWN, "score too low"),
            (self.unreadable, UNREADABLE, "no image"),
        ):
            if count:
                named.append((count, f"{label} ({reason})" if label in self.classes else label))
        return ", ".join(f"{count:,} {label}" for count, label in sorted(named, key=lambda one: -one[0])) or "no images"
