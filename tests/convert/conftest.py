"""What several tests of conversions share: a run that may be damaged."""

import shutil
from pathlib import Path

import pytest

from edgecnn.run_directory import RunDirectory
from edgecnn.train import TrainingRun


@pytest.fixture
def copy(small_run: TrainingRun, tmp_path: Path) -> RunDirectory:
    """A copy of the run, without its conversions, to be damaged."""
    original, run = RunDirectory(small_run.path), RunDirectory(tmp_path / "copy")
    run.path.mkdir()
    for path in (original.model, original.card):
        shutil.copy(path, run.path)
    return run
