"""The run directory: its files, its figures, its verdict, its pictures."""

import contextlib
import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelCard, ModelFileError, OutputError
from edgecnn.convert import KerasModel
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.run_directory import TRAINING_FILES, RunDirectory
from edgecnn.train import TrainingRun, train
from edgecnn.train.data.loading import input_for
from edgecnn.train.history import read_history
from edgecnn.train.overfitting import Fit
from edgecnn.train.plots import draw_training
from edgecnn.train.run_report import claimed_folder
from tests.support.moments import read_files, require_one_set, watch
from tests.support.trainings import EVERYTHING, SEED


def test_run_directory_holds_everything_and_nothing_else(small_run: TrainingRun) -> None:
    # Other tests convert it, and hold it while they read it.
    others = {"cache", *(path.name for kind in ("*.tflite", ".*.lock") for path in small_run.path.glob(kind))}
    made = {path.name for path in small_run.path.iterdir()} - others
    assert made == set(TRAINING_FILES)


def test_metrics_are_those_of_the_saved_model(small_run: TrainingRun, small: Dataset) -> None:
    metrics = json.loads((small_run.path / "metrics.json").read_text())
    probabilities = KerasModel(small_run.model_path).predict_all(small.test.images, calibrated=False)
    right = int((probabilities.argmax(axis=1) == small.test.labels).sum())
    loss = -np.log(probabilities[np.arange(1000), small.test.labels].clip(1e-7, 1 - 1e-7)).mean()
    assert metrics["accuracy"] == right / 1000
    assert metrics["loss"] == pytest.approx(loss, rel=1e-5)
    confusion = np.array(metrics["confusion_matrix"])
    assert confusion.trace() == right
    assert confusion.sum(axis=1).tolist() == np.bincount(small.test.labels, minlength=10).tolist()


def test_history_has_a_row_an_epoch(small_run: TrainingRun) -> None:
    rows = list(csv.DictReader((small_run.path / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["loss"]) < float(rows[0]["loss"])
    # The one-cycle schedule ends at 0.
    assert float(rows[1]["learning_rate"]) < 1e-4


def test_a_history_without_targets_was_trained_towards_labels(small_run: TrainingRun, tmp_path: Path) -> None:
    with (small_run.path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row.pop("target") for row in rows] == ["labels", "labels"]
    with (tmp_path / "history.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert read_history(tmp_path / "history.csv") == small_run.history


@pytest.mark.parametrize("name", ["history.png", "confusion.png"])
def test_pictures_are_pictures(small_run: TrainingRun, name: str) -> None:
    with Image.open(small_run.path / name) as image:
        colours = image.convert("RGB").getcolors(1 << 24)
        assert image.width > 400 and colours and len(colours) > 50


def test_a_training_ends_well_with_many_classes_whose_names_look_like_formulas(tmp_path: Path) -> None:
    labels = np.arange(130)
    split = Split(np.repeat(labels.astype(np.uint8), 64).reshape(-1, 8, 8, 1), labels)
    spec = dataclasses.replace(input_for(8, 8, "grayscale", "pad"), background="dark")
    dataset = Dataset(
        "sold at caf\udce9\t1", tuple(f"{price} $_$" for price in labels), spec, split, split, "0" * 64, "here"
    )
    (tmp_path / "net.py").write_text(
        "import keras\n\ndef net(shape, classes):\n    layers = keras.layers\n"
        "    return keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(classes, 'softmax')])\n"
    )
    run = train(tmp_path / "run", dataset, architecture=f"{tmp_path / 'net.py'}:net", epochs=1)
    assert run.card.name.startswith(r"sold at caf\udce9\t1-")  # of a folder whose name is no text
    assert ModelCard.load(run.folder.card) == run.card and not run.folder.checkpoint.exists()
    with Image.open(run.folder.confusion_picture) as image:
        assert 1000 < image.width < 3500 and 1000 < image.height < 3500


def test_a_long_class_name_leaves_the_matrix_its_room(small_run: TrainingRun, tmp_path: Path) -> None:
    labels = (*small_run.card.labels[:-1], "Halbschuh " * 20)
    card = dataclasses.replace(small_run.card, labels=labels)
    draw_training(dataclasses.replace(small_run, card=card, path=tmp_path))
    with Image.open(small_run.folder.confusion_picture) as usual, Image.open(tmp_path / "confusion.png") as found:
        assert found.width < 1.1 * usual.width and found.height < 1.1 * usual.height


def test_a_long_verdict_or_path_leaves_the_curves_their_width(small_run: TrainingRun, tmp_path: Path) -> None:
    assert small_run.card.training
    training = dataclasses.replace(small_run.card.training, architecture=f"/{'nets/' * 40}net.py:build")
    card = dataclasses.replace(small_run.card, training=training)
    fit = Fit(1 / 3, 34, 1 / 3, 23, "validation", 1 / 3)  # has learned nothing, and what to try
    draw_training(dataclasses.replace(small_run, card=card, fit=fit, path=tmp_path))
    with Image.open(small_run.folder.history_picture) as usual, Image.open(tmp_path / "history.png") as found:
        assert found.width < 1.1 * usual.width


def test_existing_run_is_kept_without_force(small_run: TrainingRun, small: Dataset) -> None:
    before = small_run.model_path.read_bytes()
    with pytest.raises(OutputError, match="holds a run already"):
        train(small_run.path, small)
    assert small_run.model_path.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    [
        *("model.int8.tflite", "model.mine.tflite", "model.int8.tuned.npz", "parity.int8.json", "checkpoint.npz"),
        "tensorboard/train/events",
    ],
)
def test_what_a_training_would_remove_is_kept_without_force(name: str, small: Dataset, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    message = rf"holds a run already \({name.split('/')[0]}\); .*choose another --output or add --force"
    with pytest.raises(OutputError, match=message):
        train(tmp_path, small)
    assert (tmp_path / name).read_text() == "mine"
    with claimed_folder(RunDirectory(tmp_path), force=True):
        pass


def test_unwritable_folder_is_a_sentence(small: Dataset, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot use"):
        train(tmp_path / "file" / "run", small)


def test_files_of_two_trainings_never_stand_side_by_side(
    tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(tmp_path / "run", tiny, recipe="fast", epochs=1, seed=1)
    of_conversions = {"model.int8.tflite", "model.int8.tuned.npz", "parity.int8.html", "parity.int8.json"}
    for name in of_conversions:
        (run.path / name).write_bytes(b"of the network before")
    before, seen = read_files(run.path), watch(run.path, monkeypatch)
    train(run.path, tiny, recipe="fast", epochs=2, seed=2, force=True)
    require_one_set(before, seen, set(before))
    assert set(before) - set(read_files(run.path)) == of_conversions


def test_figures_of_an_interrupted_training_never_stand_beside_the_model_of_a_later_epoch(
    interrupted: TrainingRun, tiny: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Path(shutil.copytree(interrupted.path, tmp_path / "run"))
    (run / "model.int8.tflite").write_bytes(b"of a conversion of the epoch before")
    before, seen = read_files(run), watch(run, monkeypatch)
    train(run, tiny, recipe=EVERYTHING, seed=SEED, resume=True)
    require_one_set(before, seen, {*TRAINING_FILES, "model.int8.tflite"})
    assert not (run / "model.int8.tflite").exists()
    with pytest.raises(ModelFileError, match=r"nothing to resume.*; start anew with --force"):
        train(run, tiny, recipe=EVERYTHING, seed=SEED, resume=True)


def test_folders_that_a_failed_training_created_go_again(tmp_path: Path) -> None:
    folder = RunDirectory(tmp_path / "there" / "a" / "b")
    (tmp_path / "there").mkdir()
    with contextlib.suppress(KeyError), claimed_folder(folder, force=False):
        raise KeyError
    assert [path.name for path in tmp_path.rglob("*")] == ["there"]
    with contextlib.suppress(KeyError), claimed_folder(folder, force=False):
        (folder.path.parent / "other").mkdir()  # of another training
        raise KeyError
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "other", "there"]


def test_what_a_killed_training_was_writing_goes_with_the_next(tmp_path: Path) -> None:
    names = (*TRAINING_FILES, "checkpoint.npz")
    for name in (*names, "mine.txt"):
        (tmp_path / f".0a1b2c3d-{name}").write_text("half of it")
    with claimed_folder(RunDirectory(tmp_path), force=True):
        assert {path.name for path in tmp_path.iterdir()} == {".0a1b2c3d-mine.txt", ".model.keras.lock"}
