"""What a diagnosis finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from edgecnn.sanity import Cause as KerasCause

Cause = (
    Literal[
        "labels", "preprocessing", "weights", "conversion", "kernels", "saturated", "dwarfed", "dead", "ties", "noise",
        "left out", "tuned",
    ]
    | KerasCause
)  # fmt: skip
_NAMED = 3  # layers


@dataclass(frozen=True)
class Finding:
    """What is wrong, or worth knowing.

    Attributes:
        rung: its name.
        layer: the first one that breaks there; empty where it is none.
        cause: for programs; where Keras itself looks wrong, that of the suspicion.
        words: a sentence for people: what, where, and what to do.
        broken: whether the classifier is another one; else it is a remark.
        causes: those that the figures do not tell apart; empty where there is one.
        experiment: what would tell them apart.
    """

    rung: str
    layer: str
    cause: Cause
    words: str
    broken: bool
    causes: tuple[str, ...] = ()
    experiment: str = ""

    @property
    def place(self) -> str:
        """Rung, and layer where there is one, in words."""
        return f"{self.rung}, {self.layer}" if self.layer else self.rung


def listed(faults: Sequence[tuple[str, str]]) -> str:
    """Faults of layers as part of a sentence: the first few, each as layer and words, and how many more there are."""
    named = "; ".join(f"{layer}: {words}" for layer, words in faults[:_NAMED])
    left = len(faults) - _NAMED
    return f"{named}; and {left} {'layer' if left == 1 else 'layers'} more" if left > 0 else named
