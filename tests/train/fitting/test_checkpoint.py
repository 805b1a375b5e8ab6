"""A training that was stopped, killed or met a full disk goes on to the same weights."""

import dataclasses
import json
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import TRAINING_FILES
from edgecnn.train import TrainingRun, train
from edgecnn.train.fitting.checkpoint import load_checkpoint
from tests.support.trainings import EVERYTHING, SEED, Interrupting, weights

ROOT = Path(__file__).parents[3]


@pytest.fixture
def stopped(interrupted: TrainingRun, tmp_path: Path) -> Path:
    """A copy of a run that Ctrl-C stopped twice, to go on with."""
    shutil.copytree(interrupted.path, tmp_path / "run")
    return tmp_path / "run"


def test_a_training_that_is_stopped_again_and_again_goes_on_to_the_same_weights(
    stopped: Path, uninterrupted: TrainingRun, tiny: Dataset
) -> None:
    # It was stopped in its second epoch and in its third; now amid the last.
    again = train(stopped, tiny, recipe=EVERYTHING, seed=SEED, resume=True, progress=Interrupting(5, 3))
    assert again.interrupted and len(again.history) == 4
    assert_goes_on_to_the_same(stopped, tiny, uninterrupted)


def assert_goes_on_to_the_same(stopped: Path, dataset: Dataset, uninterrupted: TrainingRun) -> None:
    resumed = train(stopped, dataset, recipe=EVERYTHING, seed=SEED, resume=True)
    assert weights(resumed) == weights(uninterrupted)
    assert [e.loss for e in resumed.history] == [e.loss for e in uninterrupted.history]
    assert {path.name for path in resumed.path.iterdir()} == set(TRAINING_FILES)


def test_kill_9_at_a_random_moment_and_resume_give_the_same_weights(
    uninterrupted: TrainingRun, tiny: Dataset, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.scripts.train_everything", str(tmp_path / "run"), str(random.randrange(99))]
    killed = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert 2 <= int(killed.stdout.splitlines()[-1].split()[0]) < EVERYTHING.epochs  # it has saved one, and was not done
    assert_goes_on_to_the_same(tmp_path / "run", tiny, uninterrupted)


def test_a_disk_that_fills_while_a_checkpoint_is_written_leaves_the_one_before(
    fashion: Dataset, tmp_path: Path
) -> None:
    # The kernel refuses to write beyond 1.2 MB, as on a full disk: model.keras fits, the checkpoint does not.
    command = [sys.executable, "-m", "tests.scripts.train_on_a_full_disk", str(tmp_path / "run"), "1200000"]
    full = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert full.returncode == 1 and "cannot write" in full.stderr.splitlines()[-1], full.stderr
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
    with np.load(tmp_path / "run" / "checkpoint.npz") as arrays:
        assert len(json.loads(str(arrays["state"]))["history"]) == 1
    few = dataclasses.replace(fashion, train=fashion.train.take(300), test=fashion.test.take(100))
    run = train(tmp_path / "run", few, recipe="notebook", epochs=3, resume=True)
    assert run.card.training and run.card.training.epochs == len(run.history) == 3


def test_a_training_that_has_no_room_leaves_the_run_that_it_was_to_replace(tmp_path: Path) -> None:
    # As above, from the first epoch on: model.keras, 1.0 MB, can be written.
    run = tmp_path / "run"
    run.mkdir()
    for name in (*TRAINING_FILES, "checkpoint.npz", "model.int8.tflite"):
        (run / name).write_text(f"{name} of before")
    command = [sys.executable, "-m", "tests.scripts.train_on_a_full_disk", str(run), "1200000", "1"]
    full = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    said = full.stderr.splitlines()[-1]
    assert full.returncode == 1 and "run: File too large: " in said and "MB are needed; make room, or" in said
    found = {path.name: path.read_text() for path in run.iterdir()}
    assert found == {name: f"{name} of before" for name in (*TRAINING_FILES, "checkpoint.npz", "model.int8.tflite")}


def test_a_crash_after_the_last_epoch_can_be_resumed(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("edgecnn.train.run_report.write_metrics", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "run", tiny, epochs=2, seed=9)
    run = train(tmp_path / "run", tiny, epochs=2, seed=9, resume=True)
    assert len(run.history) == 2 and {path.name for path in run.path.iterdir()} == set(TRAINING_FILES)


def test_resume_of_another_training_is_refused(stopped: Path, tiny: Dataset) -> None:
    with pytest.raises(ModelFileError, match="is of another training"):
        train(stopped, tiny, recipe=EVERYTHING, seed=SEED + 1, resume=True)


def test_resume_without_a_checkpoint_is_a_sentence(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nothing to resume"):
        train(tmp_path / "run", tiny, resume=True)


def test_damaged_checkpoint_is_a_sentence(stopped: Path, tiny: Dataset) -> None:
    checkpoint = stopped / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(ModelFileError, match=r"checkpoint.npz is damaged"):
        train(stopped, tiny, recipe=EVERYTHING, seed=SEED, resume=True)


@pytest.mark.parametrize("history", ['[{"epoch": 1}]', '[{"rate": 1}]', "[1]", "3"])
def test_a_checkpoint_with_another_history_is_a_sentence(history: str, tmp_path: Path) -> None:
    state = f'{{"identity": "one", "saved_epoch": 1, "history": {history}}}'
    np.savez(tmp_path / "checkpoint.npz", state=state, variable0=np.ones(2))
    variable = keras.Variable(np.zeros(2))
    with pytest.raises(ModelFileError, match=r"checkpoint.npz is damaged .*; start anew with --force"):
        load_checkpoint(tmp_path / "checkpoint.npz", [variable], "one")
    assert not np.asarray(variable).any()


def test_a_checkpoint_holds_the_state_and_each_variable_and_nothing_else(interrupted: TrainingRun) -> None:
    # NumPy before 2.2 stores every keyword of savez as one more array, allow_pickle too.
    with np.load(interrupted.path / "checkpoint.npz", allow_pickle=False) as arrays:
        variables = [name for name in arrays.files if name != "state"]
        assert set(arrays.files) == {"state", *(f"variable{number}" for number in range(len(variables)))}
        assert len(json.loads(str(arrays["state"]))["history"]) == 2
