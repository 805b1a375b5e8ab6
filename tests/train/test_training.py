"""A training leaves a whole run directory, is reproducible, and survives Ctrl-C."""

import csv
import dataclasses
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import EdgecnnError, InputError, ModelCard, OutputError
from edgecnn.convert import KerasModel
from edgecnn.dataset import Dataset
from edgecnn.train import RECIPES, Epoch, TrainingRun, train
from edgecnn.train.run import FILES


class Interrupting:
    """Presses Ctrl-C at a step of an epoch."""

    def __init__(self, epoch: int, step: int) -> None:
        self.at = (epoch, step)

    def start(self, device: str, parameters: int, steps: int, epochs: int) -> None:
        pass

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if (epoch, step) == self.at:
            raise KeyboardInterrupt

    def finish_epoch(self, epoch: Epoch) -> None:
        pass


@pytest.fixture(scope="module")
def tiny(small: Dataset) -> Dataset:
    return dataclasses.replace(small, train=small.train.take(1500), test=small.test.take(200))


def weights(run: TrainingRun) -> bytes:
    with zipfile.ZipFile(run.model_path) as archive:
        return archive.read("model.weights.h5")


def test_run_directory_holds_everything_and_nothing_else(small_run: TrainingRun) -> None:
    made = {path.name for path in small_run.path.iterdir() if path.suffix != ".tflite"}
    assert made == set(FILES)


def test_a_short_training_learns(small_run: TrainingRun) -> None:
    # 6,000 images, four epochs: 81.5 to 82.4 % over three seeds on all test images, give or take 1.2 on a thousand.
    assert small_run.evaluation.accuracy > 0.77


def test_metrics_are_those_of_the_saved_model(small_run: TrainingRun, small: Dataset) -> None:
    metrics = json.loads((small_run.path / "metrics.json").read_text())
    probabilities = KerasModel(small_run.model_path).predict_all(small.test.images)
    right = int((probabilities.argmax(axis=1) == small.test.labels).sum())
    loss = -np.log(probabilities[np.arange(1000), small.test.labels].clip(1e-7, 1 - 1e-7)).mean()
    assert metrics["accuracy"] == right / 1000
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.trace() == right
    assert confusion.sum(axis=1).tolist() == np.bincount(small.test.labels, minlength=10).tolist()


def test_card_fixes_labels_and_provenance(small_run: TrainingRun, small: Dataset) -> None:
    card = ModelCard.load(small_run.path / "card.json")
    assert card.labels == small.labels and card.input.shape == (28, 28, 1)
    assert card.training and (card.training.recipe, card.training.seed, card.training.epochs) == ("fast", 0, 4)
    assert card.training.test_accuracy == small_run.evaluation.accuracy


def test_history_has_a_row_an_epoch(small_run: TrainingRun) -> None:
    rows = list(csv.DictReader((small_run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[3]["loss"]) < float(rows[0]["loss"])
    # The one-cycle schedule ends at 0.
    assert float(rows[3]["learning_rate"]) < 1e-4


@pytest.mark.parametrize("name", ["history.png", "confusion.png"])
def test_pictures_are_pictures(small_run: TrainingRun, name: str) -> None:
    with Image.open(small_run.path / name) as image:
        colours = image.convert("RGB").getcolors(1 << 24)
        assert image.width > 400 and colours and len(colours) > 50


def test_saved_network_is_the_bare_reference(tiny: Dataset, tmp_path: Path) -> None:
    run = train(tmp_path / "run", tiny, recipe="best", epochs=1)
    classes = [layer.layer for layer in KerasModel(run.model_path).layer_table()]
    assert classes == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]


@pytest.mark.parametrize("recipe", ["fast", "best", "notebook"])
def test_same_seed_same_weights_and_another_seed_others(recipe: str, tiny: Dataset, tmp_path: Path) -> None:
    one, two, other = (
        train(tmp_path / name, tiny, recipe=recipe, epochs=1, seed=seed)
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert weights(one) == weights(two) != weights(other)


def test_notebook_recipe_is_the_notebooks() -> None:
    recipe = RECIPES["notebook"]
    assert (recipe.optimizer, recipe.batch_size, recipe.epochs, recipe.stop_at_accuracy) == ("adam", 32, 30, 0.98)
    assert not recipe.sixteen_bit and not recipe.flip and not recipe.dropout


def test_notebook_recipe_trains_to_the_same_weights_as_the_notebooks_own_lines(tiny: Dataset, tmp_path: Path) -> None:
    run = train(tmp_path / "run", tiny, recipe="notebook", epochs=2, seed=1)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(tiny.train.images / 255.0, tiny.train.labels, epochs=2, verbose=0)
    for ours, theirs in zip(keras.models.load_model(run.model_path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_training_stops_after_the_first_epoch_that_reaches_the_accuracy(tiny: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny, train=tiny.train.take(150))
    run = train(tmp_path / "run", few, recipe="notebook", epochs=60)
    accuracies = [epoch.accuracy for epoch in run.history]
    assert accuracies[-1] >= 0.98 and max(accuracies[:-1]) < 0.98
    again = train(tmp_path / "again", few, recipe="fast", epochs=60, stop_at_accuracy=0.5)
    assert [epoch.accuracy >= 0.5 for epoch in again.history].index(True) == len(again.history) - 1
    assert run.card.training and run.card.training.epochs == len(accuracies) < 60


def test_ctrl_c_leaves_the_best_finished_epoch(tiny: Dataset, tmp_path: Path) -> None:
    run = train(tmp_path / "run", tiny, recipe="fast", epochs=4, progress=Interrupting(3, 2))
    assert run.interrupted and len(run.history) == 2
    best = max(run.history, key=lambda epoch: epoch.accuracy)
    assert run.card.training and run.card.training.epochs == best.epoch
    probabilities = KerasModel(run.model_path).predict_all(tiny.test.images)
    assert (probabilities.argmax(axis=1) == tiny.test.labels).mean() == run.evaluation.accuracy
    assert {path.name for path in run.path.iterdir()} == set(FILES)


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
    assert {path.name for path in run.path.iterdir()} == set(FILES)


def test_force_keeps_the_old_run_until_the_new_one_has_something(tiny: Dataset, tmp_path: Path) -> None:
    old = train(tmp_path / "run", tiny, epochs=1, seed=3)
    (old.path / "model.int8.tflite").write_bytes(b"of the old weights")
    before = weights(old)
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(old.path, tiny, force=True, progress=Interrupting(1, 2))
    assert weights(old) == before and (old.path / "model.int8.tflite").exists()
    train(old.path, tiny, force=True, epochs=1, seed=4)
    assert weights(old) != before and {path.name for path in old.path.iterdir()} == set(FILES)


def test_a_folder_that_was_there_stays(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(tmp_path, tiny, progress=Interrupting(1, 2))
    assert tmp_path.is_dir()


def test_a_data_set_without_images_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have training and test images"):
        train(tmp_path / "run", dataclasses.replace(tiny, train=tiny.train.take(0)))


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"seed": -1}, {"seed": 2**32}, {"stop_at_accuracy": 0.0}, {"stop_at_accuracy": 1.5}]
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any], small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        train(tmp_path / "run", small, **wrong)
    assert not (tmp_path / "run").exists()


def test_ctrl_c_before_the_first_epoch_ends_leaves_nothing(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(tmp_path / "run", tiny, progress=Interrupting(1, 2))
    assert not (tmp_path / "run").exists()


def test_a_real_ctrl_c_ends_the_command_with_a_sentence(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "edgecnn",
        "train",
        "--epochs",
        "50",
        "--train-images",
        "2560",
        "-o",
        str(tmp_path / "run"),
    ]
    said = []
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    ) as process:
        assert process.stderr
        for line in process.stderr:
            said.append(line)
            if line.startswith("epoch  2/"):
                os.kill(process.pid, signal.SIGINT)
    assert process.returncode == 1
    assert "stopped by Ctrl-C after" in said[-1] and "Traceback" not in "".join(said)
    assert {path.name for path in (tmp_path / "run").iterdir()} == set(FILES)


def test_existing_run_is_kept_without_force(small_run: TrainingRun, small: Dataset) -> None:
    before = small_run.model_path.read_bytes()
    with pytest.raises(OutputError, match="holds a run already"):
        train(small_run.path, small)
    assert small_run.model_path.read_bytes() == before


def test_unknown_recipe_lists_the_known_ones(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown recipe 'slow'; known: notebook, fast, best"):
        train(tmp_path / "run", small, recipe="slow")


def test_unwritable_folder_is_a_sentence(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot use"):
        train(tmp_path / "file" / "run", small)
