"""A training leaves a whole run directory, is reproducible, and survives Ctrl-C."""

import csv
import dataclasses
import json
import os
import random
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

from edgecnn import EdgecnnError, InputError, ModelCard, ModelFileError, OutputError
from edgecnn.convert import KerasModel
from edgecnn.pixels.dataset import Dataset, Split, held_back
from edgecnn.pixels.input_table import input_table
from edgecnn.run_directory import TRAINING_FILES
from edgecnn.train import RECIPES, Epoch, TrainingRun, estimate, train
from edgecnn.train.distillation import Mixture, draw_mixture
from edgecnn.train.recipes import change_recipe


class Interrupting:
    """Presses Ctrl-C at a step of an epoch."""

    def __init__(self, epoch: int, step: int) -> None:
        self.at = (epoch, step)

    def tell(self, message: str) -> None:
        pass

    def start(self, device: str, parameters: int, steps: int, epochs: int) -> None:
        pass

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if (epoch, step) == self.at:
            raise KeyboardInterrupt

    def finish_epoch(self, epoch: Epoch) -> None:
        pass


class Listening(Interrupting):
    """Never presses anything, and remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.heard: list[str] = []

    def tell(self, message: str) -> None:
        self.heard.append(message)


@pytest.fixture(scope="module")
def tiny(small: Dataset) -> Dataset:
    return dataclasses.replace(small, train=small.train.take(1500), test=small.test.take(200))


def weights(run: TrainingRun) -> bytes:
    with zipfile.ZipFile(run.model_path) as archive:
        return archive.read("model.weights.h5")


def test_run_directory_holds_everything_and_nothing_else(small_run: TrainingRun) -> None:
    made = {path.name for path in small_run.path.iterdir() if path.suffix != ".tflite"}
    assert made == set(TRAINING_FILES)


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


def test_card_says_how_the_recipe_was_changed(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    run = train(
        tmp_path / "run", tiny, recipe=change_recipe(RECIPES["fast"], augment=("flip", "shift"), dropout=0.2), epochs=1
    )
    assert run.card.training and run.card.training.recipe == "fast, augment flip shift, dropout 0.2, epochs 1"
    taught = train(tmp_path / "taught", tiny, epochs=1, teacher=small_run.model_path, class_weights=True)
    assert taught.card.training and taught.card.training.recipe == "fast, epochs 1, class weights, teacher model.keras"


def test_history_has_a_row_an_epoch(small_run: TrainingRun) -> None:
    rows = list(csv.DictReader((small_run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[3]["loss"]) < float(rows[0]["loss"])
    # The one-cycle schedule ends at 0.
    assert float(rows[3]["learning_rate"]) < 1e-4


@pytest.mark.parametrize(
    ("training", "validation", "verdict"),
    [
        (0.98, None, "overfits: 98.0% on training images, "),
        (0.98, 0.97, "does not overfit: 98.0% on training images, 97.0% on validation images"),
        (0.90, 0.86, "overfits: 90.0% on training images, 86.0% on validation images; try --augment flip"),
    ],
)
def test_verdict_compares_training_with_images_held_back(
    training: float, validation: float | None, verdict: str, small_run: TrainingRun
) -> None:
    last = dataclasses.replace(small_run.history[-1], accuracy=training, validation_accuracy=validation)
    assert dataclasses.replace(small_run, history=(*small_run.history[:-1], last)).verdict.startswith(verdict)


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
    assert not (recipe.bfloat16 or recipe.augment or recipe.dropout or recipe.l2 or recipe.validation_split)


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
    for epoch in range(2):  # fit would shuffle in an order of its own
        order = np.random.default_rng([1, epoch]).permutation(1500)
        model.fit(tiny.train.images[order] / 255.0, tiny.train.labels[order], batch_size=32, shuffle=False, verbose=0)
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


def test_force_keeps_the_old_run_until_the_new_one_has_something(tiny: Dataset, tmp_path: Path) -> None:
    old = train(tmp_path / "run", tiny, epochs=1, seed=3)
    (old.path / "model.int8.tflite").write_bytes(b"of the old weights")
    before = weights(old)
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(old.path, tiny, force=True, progress=Interrupting(1, 2))
    assert weights(old) == before and (old.path / "model.int8.tflite").exists()
    train(old.path, tiny, force=True, epochs=1, seed=4)
    assert weights(old) != before and {path.name for path in old.path.iterdir()} == set(TRAINING_FILES)


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
    assert {path.name for path in (tmp_path / "run").iterdir()} == {*TRAINING_FILES, "checkpoint.npz"}


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


# --- resuming, stopping, distilling ---------------------------------------------------------------------------------

EVERYTHING = dataclasses.replace(
    RECIPES["best"], epochs=5, batch_size=64, augment=("flip", "shift", "erase"), l2=1e-5, validation_split=0.1
)


@pytest.fixture(scope="module")
def uninterrupted(tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    return train(tmp_path_factory.mktemp("whole") / "run", tiny, recipe=EVERYTHING, seed=7)


@pytest.mark.parametrize("at", [(2, 1), (3, 10), (5, 3)])
def test_interrupted_training_resumes_to_the_same_weights(
    at: tuple[int, int], uninterrupted: TrainingRun, tiny: Dataset, tmp_path: Path
) -> None:
    assert train(tmp_path / "run", tiny, recipe=EVERYTHING, seed=7, progress=Interrupting(*at)).interrupted
    resumed = train(tmp_path / "run", tiny, recipe=EVERYTHING, seed=7, resume=True)
    assert weights(resumed) == weights(uninterrupted)
    assert [e.loss for e in resumed.history] == [e.loss for e in uninterrupted.history]
    assert {path.name for path in resumed.path.iterdir()} == set(TRAINING_FILES)


KILLED = """
import dataclasses, os, sys
sys.path.insert(0, {folder!r})
from edgecnn.train import load_fashion_mnist
from edgecnn.train.training import train
from recipe import EVERYTHING
data = load_fashion_mnist()
tiny = dataclasses.replace(data, train=data.train.take(1500), test=data.test.take(200))
train(sys.argv[1], tiny, recipe=EVERYTHING, seed=7, resume=os.path.exists(sys.argv[1] + "/checkpoint.npz"), force=True)
"""


def test_kill_9_at_random_moments_and_resume_give_the_same_weights(uninterrupted: TrainingRun, tmp_path: Path) -> None:
    fields = {field.name: getattr(EVERYTHING, field.name) for field in dataclasses.fields(EVERYTHING)}
    (tmp_path / "recipe.py").write_text(f"from edgecnn.train import Recipe\nEVERYTHING = Recipe(**{fields!r})\n")
    command = [sys.executable, "-c", KILLED.format(folder=str(tmp_path)), str(tmp_path / "run")]
    generator = random.Random(4)
    for _ in range(4):
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=generator.uniform(5, 14))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, timeout=300)
    with zipfile.ZipFile(tmp_path / "run" / "model.keras") as archive:
        assert archive.read("model.weights.h5") == weights(uninterrupted)


FULL_DISK = """
import dataclasses, resource, signal, sys
from edgecnn import EdgecnnError
from edgecnn.train import load_fashion_mnist, train
data = load_fashion_mnist()
tiny = dataclasses.replace(data, train=data.train.take(300), test=data.test.take(100))

class Filling:
    def tell(self, message): pass
    def start(self, device, parameters, steps, epochs): pass
    def step(self, epoch, step, loss, accuracy):
        if epoch == 2 and limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    def finish_epoch(self, epoch): pass

limit = int(sys.argv[2])
try:
    train(sys.argv[1], tiny, epochs=3, resume=not limit, progress=Filling())
except (EdgecnnError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def test_a_disk_that_fills_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path: Path) -> None:
    # The kernel refuses to write beyond 1.2 MB, as on a full disk: model.keras fits, the checkpoint does not.
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "run")]
    full = subprocess.run([*command, "1200000"], capture_output=True, text=True, timeout=300)
    assert full.returncode == 1 and "cannot write" in full.stderr.splitlines()[-1], full.stderr
    assert not [path for path in (tmp_path / "run").iterdir() if path.name.startswith(".")]
    with np.load(tmp_path / "run" / "checkpoint.npz") as arrays:
        assert len(json.loads(str(arrays["state"]))["history"]) == 1
    resumed = subprocess.run([*command, "0"], capture_output=True, text=True, timeout=300)
    assert resumed.returncode == 0, resumed.stderr
    card = ModelCard.load(tmp_path / "run" / "card.json")
    assert card.training and card.training.epochs == 3


def test_resume_goes_on_after_an_interrupted_teacher(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgecnn.train import distillation

    monkeypatch.setattr(distillation, "RECIPE", dataclasses.replace(distillation.RECIPE, epochs=3))
    with pytest.raises(EdgecnnError, match="while training the teacher"):
        train(tmp_path / "run", tiny, epochs=2, teacher="compact", progress=Interrupting(2, 3))
    run = train(tmp_path / "run", tiny, epochs=2, teacher="compact", resume=True)
    assert len(run.history) == 2 and (run.path / "teacher" / "model.keras").exists()
    before = (run.path / "teacher" / "model.keras").read_bytes()
    with pytest.raises(OutputError, match="holds a run already"):
        train(tmp_path / "other", tiny, teacher="compact", epochs=1, progress=Interrupting(9, 9))
        train(tmp_path / "other", tiny, teacher="compact", epochs=1)
    assert (run.path / "teacher" / "model.keras").read_bytes() == before


def test_a_crash_after_the_last_epoch_can_be_resumed(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("edgecnn.train.run_report.write_metrics", lambda run: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path / "run", tiny, epochs=2, seed=9)
    run = train(tmp_path / "run", tiny, epochs=2, seed=9, resume=True)
    assert len(run.history) == 2 and {path.name for path in run.path.iterdir()} == set(TRAINING_FILES)


def test_resume_of_another_training_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    train(tmp_path / "run", tiny, recipe=EVERYTHING, seed=7, progress=Interrupting(2, 1))
    with pytest.raises(ModelFileError, match="is of another training"):
        train(tmp_path / "run", tiny, recipe=EVERYTHING, seed=8, resume=True)


def test_resume_without_a_checkpoint_is_a_sentence(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="nothing to resume"):
        train(tmp_path / "run", tiny, resume=True)


def test_damaged_checkpoint_is_a_sentence(tiny: Dataset, tmp_path: Path) -> None:
    train(tmp_path / "run", tiny, recipe=EVERYTHING, progress=Interrupting(2, 1))
    checkpoint = tmp_path / "run" / "checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-500])
    with pytest.raises(ModelFileError, match="checkpoint.npz is damaged"):
        train(tmp_path / "run", tiny, recipe=EVERYTHING, resume=True)


def test_validation_images_are_held_back_stratified_and_choose_the_epoch(uninterrupted: TrainingRun) -> None:
    accuracies = [epoch.validation_accuracy for epoch in uninterrupted.history]
    assert None not in accuracies and uninterrupted.card.training
    assert uninterrupted.card.training.epochs == accuracies.index(max(accuracies, key=lambda a: a or 0)) + 1


def test_held_back_images_are_a_share_of_every_class(fashion: Dataset) -> None:
    kept, held = held_back(fashion.train.labels, 0.1, seed=3)
    assert len(held) == 6000 and np.bincount(fashion.train.labels[held]).tolist() == [600] * 10
    assert sorted([*kept, *held]) == list(range(60_000))


@pytest.mark.parametrize("sizes", [(1000, 20), (1000, 150), (30, 2)])
def test_held_back_images_leave_rare_classes_their_part(sizes: tuple[int, int]) -> None:
    labels = np.repeat([0, 1], sizes)
    for share in (0.1, 0.2, 0.99):
        kept, held = held_back(labels, share, seed=0)
        assert np.bincount(labels[kept], minlength=2).min() >= 1
        expected = [min(round(share * size), size - 1) for size in sizes]
        assert np.bincount(labels[held], minlength=2).tolist() == expected


def test_a_validation_split_that_holds_back_nothing_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny, train=tiny.train.sample(30))
    with pytest.raises(InputError, match="holds back none of 30 images"):
        train(tmp_path / "run", few, recipe=dataclasses.replace(RECIPES["fast"], validation_split=0.01))


def test_early_stopping_ends_when_validation_no_longer_rises(tiny: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["notebook"], epochs=60, validation_split=0.2, early_stopping=2)
    run = train(tmp_path / "run", tiny, recipe=recipe)
    accuracies = [epoch.validation_accuracy or 0 for epoch in run.history]
    assert len(accuracies) < 60 and len(accuracies) - 1 - int(np.argmax(accuracies)) == 2


def test_a_loss_that_is_no_number_stops_and_says_where(tiny: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], peak_learning_rate=1e30, epochs=3)
    with pytest.raises(EdgecnnError, match=r"the loss is (nan|inf) at step \d+ of epoch \d"):
        train(tmp_path / "run", tiny, recipe=recipe)


def test_class_weights_help_the_rare_class(fashion: Dataset, tmp_path: Path) -> None:
    shirts = np.flatnonzero(fashion.train.labels == 6)[:30]
    others = np.flatnonzero(fashion.train.labels != 6)[:2000]
    rows = np.sort(np.concatenate([shirts, others]))
    train_split = Split(fashion.train.images[rows], fashion.train.labels[rows])
    rare = dataclasses.replace(fashion, train=train_split, test=fashion.test.take(2000))
    recalls = []
    for weighted in (False, True):
        run = train(tmp_path / str(weighted), rare, epochs=8, class_weights=weighted)
        recalls.append(run.evaluation.confusion[6, 6] / run.evaluation.confusion[6].sum())
    assert recalls[1] > recalls[0] + 0.1


def test_a_pupil_learns_what_its_teacher_thinks(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], epochs=6, batch_size=64, teacher_weight=1.0)
    run = train(tmp_path / "run", tiny, recipe=recipe, teacher=small_run.model_path)
    teacher, pupil = (
        KerasModel(path).predict_all(tiny.train.images) for path in (small_run.model_path, run.model_path)
    )
    alone = train(tmp_path / "alone", tiny, recipe=recipe)
    untaught = KerasModel(alone.model_path).predict_all(tiny.train.images)
    assert np.abs(pupil - teacher).mean() < 0.7 * np.abs(untaught - teacher).mean()


def test_the_teacher_is_asked_about_mixtures_too(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], epochs=4, batch_size=64, teacher_mixtures=2, validation_split=0.1)
    spoken = Listening()
    run = train(tmp_path / "run", tiny, recipe=recipe, teacher=small_run.model_path, progress=spoken)
    assert spoken.heard == ["asking the teacher about 4,500 images"]
    # Every second epoch is of mixtures, whose images are harder to tell; the last is of the images themselves.
    assert run.history[3].accuracy > run.history[2].accuracy
    stopped = train(tmp_path / "again", tiny, recipe=recipe, teacher=small_run.model_path, progress=Interrupting(3, 2))
    assert stopped.interrupted
    resumed = train(tmp_path / "again", tiny, recipe=recipe, teacher=small_run.model_path, resume=True)
    assert weights(resumed) == weights(run)


def test_mixtures_leave_out_what_is_held_back() -> None:
    kept = np.array([0, 2, 3, 5, 8])
    partners, shares = draw_mixture(kept, 10, seed=3, number=0)
    assert sorted(partners[kept]) == kept.tolist() and (partners[[1, 4, 6, 7, 9]] == [1, 4, 6, 7, 9]).all()
    assert 0.5 <= shares.min() and shares.max() <= 1
    assert not np.array_equal(partners, draw_mixture(kept, 10, seed=3, number=1)[0])


def test_a_mixture_is_the_weighted_sum_of_two_inputs(tiny: Dataset) -> None:
    table = input_table(tiny.input)
    mixture = Mixture(np.array([2, 0, 1]), np.array([0.5, 0.75, 1.0], np.float32), np.zeros((3, 10), np.float32))
    pixels = np.asarray(tiny.train.images[:3]) / 255
    expected = [(pixels[0] + pixels[2]) / 2, 0.75 * pixels[1] + 0.25 * pixels[0], pixels[2]]
    np.testing.assert_allclose(mixture.inputs(table, tiny.train.images, np.arange(3)), expected, atol=1e-6)


def test_a_missing_teacher_is_named(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no teacher at nowhere.keras"):
        train(tmp_path / "run", tiny, teacher="nowhere.keras")
    assert not (tmp_path / "run").exists()


def test_an_empty_teacher_is_no_missing_one(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="teacher's name is empty"):
        train(tmp_path / "run", tiny, teacher="")


def test_a_teacher_of_other_classes_is_refused(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    other = dataclasses.replace(tiny, labels=tuple("abcdefghij"))
    with pytest.raises(ModelFileError, match="or names them otherwise"):
        train(tmp_path / "run", other, teacher=small_run.model_path)
    assert not (tmp_path / "run").exists()


def test_rehearsal_says_what_a_training_takes_and_writes_nothing(tiny: Dataset, tmp_path: Path) -> None:
    found = estimate(tiny, recipe=dataclasses.replace(RECIPES["fast"], epochs=10, batch_size=100))
    assert (found.parameters, found.steps) == (243_786, 150)
    assert found.seconds == pytest.approx(found.steps * found.step_ms / 1000)
    assert 0 < found.step_ms < 60_000 and found.peak_mib > 100
    assert not any(tmp_path.iterdir())
