"""The epochs of a training, and the file history.csv that keeps them."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast, get_args

from edgecnn.atomic_files import write_bytes

Target = Literal["labels", "teacher", "mixtures"]


@dataclass(frozen=True)
class Epoch:
    """A finished epoch: number from 1, mean training loss and accuracy (0 to 1), learning rate at its end, seconds.

    Attributes:
        target: what the network was trained towards: the labels; them and a teacher's answers for the same images; or
            its answers for mixtures of two images, where the accuracy is that of the image with the larger share.
        validation_loss: on the images held back; None without a validation split. Likewise `validation_accuracy`.
    """

    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    seconds: float
    validation_loss: float | None = None
    validation_accuracy: float | None = None
    target: Target = "labels"

    @property
    def monitored_accuracy(self) -> float:
        """The accuracy that tells the best epoch: validation, or training where nothing is held back."""
        return self.accuracy if self.validation_accuracy is None else self.validation_accuracy


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write history.csv: one row an epoch.

    Raises:
        OutputError: it cannot be written.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in epochs)
    write_bytes(path, text.getvalue().encode())


def read_history(path: Path) -> tuple[Epoch, ...]:
    """What `write_history` wrote: at least one epoch.

    Raises:
        OSError: it cannot be read.
        ValueError: it holds no epoch, or what is none. Likewise KeyError.
    """
    epochs = tuple(map(_epoch, csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))))
    if not epochs:
        raise ValueError(f"{path.name} has no epoch")
    return epochs


def _epoch(row: dict[str, str]) -> Epoch:
    """A row of history.csv; a file from before there were targets has none."""
    target = row.get("target", "labels")
    if target not in get_args(Target):
        raise ValueError(f"the target {target!r} is unknown")
    kinds = {field.name: str(field.type) for field in fields(Epoch) if field.name != "target"}
    numbers = {name: _number(row[name], kind) for name, kind in kinds.items()}
    return Epoch(**numbers, target=cast(Target, target))


def _number(text: str | None, kind: str) -> Any:
    if text:
        return int(text) if kind == str(int) else float(text)
    if "None" not in kind:
        raise ValueError("a number is missing")
    return None
