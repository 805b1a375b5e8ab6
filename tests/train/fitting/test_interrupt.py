"""Ctrl-C ends a training with a sentence and leaves what is whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn import EdgecnnError, ModelCard
from edgecnn.convert import KerasModel
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import TRAINING_FILES
from edgecnn.train import train
from edgecnn.train.fitting.interrupt import Interrupt
from tests.support.processes import in_time
from tests.support.trainings import Interrupting
from tests.support.waiting import PATIENCE


def test_ctrl_c_is_remembered_until_somebody_looks_and_a_second_one_counts_at_once_but_for_saves() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        interrupt.raise_if_pressed()  # nobody has pressed it
        signal.raise_signal(signal.SIGINT)
        with interrupt.saving():
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            interrupt.raise_if_pressed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_leaves_the_best_finished_epoch(tiny: Dataset, tmp_path: Path) -> None:
    run = train(tmp_path / "run", tiny, recipe="fast", epochs=4, progress=Interrupting(3, 2))
    assert run.interrupted and len(run.history) == 2
    assert (run.path / "checkpoint.npz").exists()
    best = max(run.history, key=lambda epoch: epoch.accuracy)
    assert run.card.training and run.card.training.epochs == best.epoch
    probabilities = KerasModel(run.model_path).predict_all(tiny.test.images)
    assert (probabilities.argmax(axis=1) == tiny.test.labels).mean() == run.evaluation.accuracy
    assert {path.name for path in run.path.iterdir()} == {*TRAINING_FILES, "checkpoint.npz"}


def test_ctrl_c_while_an_epoch_is_saved_waits_until_model_and_card_agree(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = ModelCard.save

    def interrupted_save(card: ModelCard, path: Path) -> None:
        monkeypatch.setattr(ModelCard, "save", save)
        os.kill(os.getpid(), signal.SIGINT)
        save(card, path)

    monkeypatch.setattr(ModelCard, "save", interrupted_save)
    run = train(tmp_path / "run", tiny, epochs=3)
    assert run.interrupted and run.card.training and run.card.training.epochs == 1
    assert {path.name for path in run.path.iterdir()} == {*TRAINING_FILES, "checkpoint.npz"}


def test_a_folder_that_was_there_stays(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(tmp_path, tiny, recipe="notebook", progress=Interrupting(1, 2))
    assert tmp_path.is_dir()


def test_ctrl_c_before_the_first_epoch_ends_leaves_nothing(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(tmp_path / "run", tiny, recipe="notebook", progress=Interrupting(1, 2))
    assert not (tmp_path / "run").exists()


def test_a_real_ctrl_c_ends_the_command_with_a_sentence(few: Path, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "edgecnn", "train", "--data", str(few), "--epochs", "50"),
        *("--recipe", "notebook", "--output", str(tmp_path / "run")),
    ]
    said = []
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    )
    with process, in_time(process):
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if line.startswith("epoch  2/"):
                os.kill(process.pid, signal.SIGINT)
        process.wait(PATIENCE)
    assert process.returncode == 1
    assert "stopped by Ctrl-C after" in said[-1] and "Traceback" not in "".join(said)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*TRAINING_FILES, "checkpoint.npz"}
