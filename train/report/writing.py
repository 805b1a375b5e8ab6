"""Writes report.html."""

from collections.abc import Sequence
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.pixels.dataset import Dataset

from ..run_report import TrainingRun
from .answers import Answers
from .page import to_html


def write_training_report(path: Path, run: TrainingRun, dataset: Dataset, answers: Sequence[Answers]) -> None:
    """Write the report to `path`, whole or not at all; see `to_html`.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, to_html(run, dataset, answers).encode())
