"""An operator of a file that computes otherwise than Keras."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatorFault:
    """An operator that computes otherwise: the layer's or the operator's name, what is other, and what helps."""

    layer: str
    words: str
    advice: str = "convert the run again"

    @property
    def warning(self) -> str:
        """What `convert` says of a file that it has just made."""
        return f"warning: {self.layer}: {self.words}; {self.advice}"
