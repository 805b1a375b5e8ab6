"""An operator of a file that computes otherwise than Keras."""

from collections.abc import Sequence
from dataclasses import dataclass

from .finding import listed

CONVERT_AGAIN = "convert the run again"


@dataclass(frozen=True)
class OperatorFault:
    """An operator that computes otherwise: the layer's or the operator's name, what is other, and what helps."""

    layer: str
    words: str
    advice: str = CONVERT_AGAIN

    @property
    def warning(self) -> str:
        """What `convert` says of a file that it has just made."""
        return f"warning: {self.layer}: {self.words}; {self.advice}"


def listed_faults(faults: Sequence[OperatorFault]) -> str:
    """What several operators compute otherwise for which the advice is that of the first: the first of each layer."""
    alike = [fault for fault in faults if fault.advice == faults[0].advice]
    of_layer = {fault.layer: fault for fault in reversed(alike)}
    firsts = [fault for fault in alike if of_layer[fault.layer] is fault]
    return listed([(fault.layer, fault.words) for fault in firsts])


def cured_by_conversion(faults: Sequence[OperatorFault]) -> tuple[OperatorFault, ...]:
    """Those that another conversion does away with."""
    return tuple(fault for fault in faults if fault.advice == CONVERT_AGAIN)
