"""What edgecnn train says of people's own images, and where their labels may be."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.support.command_line import Run, printed

QUICK = ("--recipe", "notebook", "--image-size", "16", "--epochs", "1")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Ten dark cats and ten light dogs in one folder, listed in list.csv beside it."""
    (tmp_path / "images").mkdir()
    rows = ["file,label"]
    for number in range(20):
        level = 10 * number if number < 10 else 60 + 9 * number
        Image.new("RGB", (20, 20), (level, number, 0)).save(tmp_path / "images" / f"{number}.png")
        rows.append(f"{number}.png,{'cat' if number < 10 else 'dog'}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return tmp_path / "images"


def test_a_csv_file_labels_images_from_training_to_evaluation(images: Path, tmp_path: Path, edgecnn: Run) -> None:
    data = ("--data", images, "--labels-csv", tmp_path / "list.csv")
    trained = edgecnn("train", *data, *QUICK, "--output", tmp_path / "run")
    assert trained.exit_code == 0, trained.output
    assert "2 classes and their training images: cat 8, dog 8" in trained.stderr
    assert json.loads((tmp_path / "run" / "card.json").read_text())["labels"] == ["cat", "dog"]
    converted = edgecnn("convert", tmp_path / "run", *data, "--float32")
    assert converted.exit_code == 0, converted.output
    found = edgecnn("evaluate", tmp_path / "run" / "model.float32.tflite", *data, "--json")
    assert sum(map(sum, json.loads(printed(found))["confusion_matrix"])) == 4  # one in five images


def test_classes_and_counts_are_said_by_a_dry_run(images: Path, tmp_path: Path, edgecnn: Run) -> None:
    for number in range(20):
        name = f"{'emu' if number < 12 else 'owl'}.{number}.png"
        (images / f"{number}.png").rename(images / name)
    ran = edgecnn("train", "--data", images, "--labels-from-names", *QUICK, "--dry-run")
    assert ran.exit_code == 0 and "2 classes and their training images: emu 10, owl 6" in ran.stderr
    (taken,) = re.findall(r"step\(s\) of [\d.]+ ms.*: about ([\d.]+) (?:s|minutes)$", ran.stdout, re.MULTILINE)
    assert float(taken) > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--labels-csv", "list.csv"), "go with --data DIR"),
        (("--data", "images", "--labels-csv", "list.csv", "--labels-from-names"), "give one of them"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    options: tuple[str, ...], words: str, images: Path, edgecnn: Run
) -> None:
    ran = edgecnn("train", *(str(images.parent / option) if option[0] != "-" else option for option in options))
    assert ran.exit_code == 2 and words in ran.stderr


@pytest.mark.parametrize(
    ("options", "exit_code", "words"),
    [
        *(((name, "nan"), 2, "nan is no number") for name in ("--validation-split", "--label-smoothing", "--dropout")),
        *(((name, "nan"), 2, "nan is no number") for name in ("--l2", "--stop-at-accuracy")),
        (("--l2", "inf"), 2, "inf is no number"),
        (("--teacher", "residuel"), 1, "unknown architecture 'residuel'"),
        (("--teacher", "mobilenet_v2"), 1, "mobilenet_v2 cannot be trained as teacher along with this network"),
        (("--teacher", "residual", "--dry-run"), 2, "--dry-run estimates a training on one device without its teacher"),
        (("--resume", "--force"), 2, "--resume goes on with the training that --force replaces; leave one of them out"),
        (("--tensorboard",), 1, "--tensorboard needs TensorBoard"),
    ],
)
def test_what_cannot_be_is_said_before_images_are_read(
    options: tuple[str, ...],
    exit_code: int,
    words: str,
    images: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    edgecnn: Run,
) -> None:
    for name in ("tensorboard", "tensorboard.summary"):
        monkeypatch.setitem(sys.modules, name, None)
    listed = ("--data", images, "--labels-csv", tmp_path / "list.csv")
    ran = edgecnn("train", *listed, *options, "--output", tmp_path / "run")
    assert ran.exit_code == exit_code and words in ran.stderr, ran.output
    assert "names the files" not in ran.stderr and not (tmp_path / "run").exists()


def test_fewer_training_images_than_classes_are_wrong_usage(images: Path, tmp_path: Path, edgecnn: Run) -> None:
    rows = [f"{number}.png,{number % 10}{half}" for half in "ab" for number in range(20)]
    for row in rows:
        number, label = row.split(".png,")
        (tmp_path / "classes" / label).mkdir(parents=True, exist_ok=True)
        shutil.copy(images / f"{number}.png", tmp_path / "classes" / label / f"{number}.png")
    ran = edgecnn("train", "--data", tmp_path / "classes", *QUICK, "--train-images", "12", "--dry-run")
    assert ran.exit_code == 2 and "--train-images 12: there are 20 classes; give as many or more" in ran.stderr


def test_a_network_too_large_for_the_memory_is_a_sentence(images: Path, tmp_path: Path, edgecnn: Run) -> None:
    (tmp_path / "wide.py").write_text(
        "import keras\n"
        "def build(shape, classes):\n"
        "    layers = keras.layers\n"
        "    wide = layers.ZeroPadding2D(1_000_000), layers.GlobalMaxPooling2D()\n"
        "    return keras.Sequential([keras.Input(shape), *wide, layers.Dense(classes, 'softmax')])\n"
    )
    data = ("--data", images, "--labels-csv", tmp_path / "list.csv", "--image-size", "8")
    ran = edgecnn("train", *data, "--architecture", f"{tmp_path / 'wide.py'}:build", "--output", tmp_path / "run")
    assert ran.exit_code == 1 and "smaller images or a smaller network" in ran.stderr, ran.output
    assert not (tmp_path / "run").exists()
