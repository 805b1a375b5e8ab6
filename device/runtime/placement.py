"""Which of a model's operators a delegate computes, and whether that is enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgecnn.errors import DelegateError

from .delegates import Requirement


@dataclass(frozen=True)
class DelegatePlacement:
    """Where a model's operators run.

    Attributes:
        delegate: what was asked for.
        operators: how many the model has.
        partitions: for each call of the delegate, the names of the operators it computes.
        on_cpu: names of those that stay with the runtime's own kernels, in order.
    """

    delegate: str
    operators: int
    partitions: tuple[tuple[str, ...], ...]
    on_cpu: tuple[str, ...]

    @property
    def delegated(self) -> int:
        """How many operators the delegate computes."""
        return sum(len(partition) for partition in self.partitions)

    def __str__(self) -> str:
        parts = "1 partition" if len(self.partitions) == 1 else f"{len(self.partitions)} partitions"
        summary = f"{self.delegate} computes {self.delegated} of {self.operators} operators in {parts}"
        return f"{summary}; on the CPU: {', '.join(self.on_cpu)}" if self.on_cpu else summary

    @classmethod
    def from_operators(cls, operators: Sequence[dict[str, Any]], delegate: str) -> "DelegatePlacement":
        """Which operators a delegate took.

        Args:
            operators: what a runtime lists: the model's operators, and then one DELEGATE for each partition, with the
                tensors that go in and come out; what lies between them is what it computes.
            delegate: its name.
        """
        own = [operator for operator in operators if operator["op_name"] != "DELEGATE"]
        producers = {int(tensor): operator for operator in own for tensor in operator["outputs"]}
        partitions: list[tuple[str, ...]] = []
        taken: set[int] = set()
        for call in (operator for operator in operators if operator["op_name"] == "DELEGATE"):
            sources, pending = {int(tensor) for tensor in call["inputs"]}, [int(t) for t in call["outputs"]]
            inside: set[int] = set()
            while pending:
                tensor = pending.pop()
                producer = producers.get(tensor)
                if tensor in sources or producer is None or producer["index"] in inside:
                    continue
                inside.add(producer["index"])
                pending += [int(index) for index in producer["inputs"]]
            partitions.append(tuple(operator["op_name"] for operator in own if operator["index"] in inside))
            taken |= inside
        left = tuple(operator["op_name"] for operator in own if operator["index"] not in taken)
        return cls(delegate, len(own), tuple(partitions), left)


def require_placement(placement: DelegatePlacement, require: Requirement | None) -> str:
    """A note where nothing was delegated; empty where something was.

    Raises:
        DelegateError: less was delegated than is required.
    """
    message = f"{placement.delegate} computes none of the {placement.operators} operators: all of them run on the CPU"
    if require and not placement.delegated:
        raise DelegateError(f"{message}; convert the model as the accelerator needs it (edgecnn convert --target)")
    if require == "full" and placement.on_cpu:
        raise DelegateError(
            f"{placement}; --require-delegate=full allows none there, use --require-delegate, or change these layers"
        )
    return "" if placement.delegated else message
