"""A .npz file that is kept otherwise is refused with a line of code, and that line helps."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import DataError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import load_dataset

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
PIXELS[0, 0, 0], PIXELS[0, 0, 1] = 0, 255
CLASSES = np.arange(12) % 3
RIGHT: dict[str, Any] = {"x_train": PIXELS, "y_train": CLASSES, "x_test": PIXELS[::-1], "y_test": CLASSES[::-1]}


def load(folder: Path, arrays: dict[str, Any]) -> Dataset:
    np.savez(folder / "set.npz", **arrays)
    return load_dataset(folder / "set.npz")


def sentence(folder: Path, arrays: dict[str, Any]) -> str:
    with pytest.raises(DataError) as error:
        load(folder, arrays)
    return str(error.value)


KEPT = [  # which arrays, how they are kept, what the sentence says
    ("x", lambda x: (x / 255).astype(np.float32), "float32 .* from 0 to 1;"),
    ("x", lambda x: x / 127.5 - 1, "from -1 to 1; if -1 is black"),
    ("x", lambda x: x.astype(np.float64), "float64 .* from 0 to 255"),
    ("x", lambda x: x.astype(np.int64), "int64 .* from 0 to 255"),
    ("x", lambda x: x.astype(np.uint16) * 257, "uint16 .*; if 65535 is white"),
    ("x", lambda x: np.rint(x * (4095 / 255)).astype(np.uint16), "uint16 .*; if 4095 is white"),
    ("x", lambda x: (x.astype(np.int16) - 128).astype(np.int8), "int8 .*; if -128 is black"),
    ("x", lambda x: x.transpose(0, 3, 1, 2), "channels first"),
    ("y", lambda y: np.eye(3)[y], r"y_train \(12, 3\), one-hot labels"),
    ("y", lambda y: y.astype(np.float32), "whole numbers"),
    ("y", lambda y: y + 1, "no image of class 0 in y_train, whose labels are from 1 to 3"),
]


@pytest.mark.parametrize(("letter", "keep", "words"), KEPT)
def test_arrays_kept_otherwise_come_right_by_the_line_that_the_sentence_gives(
    letter: str, keep: Callable[[Any], Any], words: str, tmp_path: Path
) -> None:
    kept = {key: keep(a) if key[0] == letter else a for key, a in RIGHT.items()}
    said = sentence(tmp_path, kept)
    assert re.search(words, said) and said.count("\n") == 0
    line = re.search(r"(?:save|put them last:) (\S.*)$", said)
    assert line
    for key in [key for key in kept if key[0] == letter]:
        kept[key] = eval(line[1].replace(f"{letter}_train", key), {"numpy": np, **kept})  # noqa: S307
    dataset = load(tmp_path, kept)
    np.testing.assert_array_equal(dataset.train.images, PIXELS)
    np.testing.assert_array_equal(dataset.test.labels, CLASSES[::-1])


def test_masks_of_true_and_false_come_right_too(tmp_path: Path) -> None:
    masks = {key: a > 127 if key[0] == "x" else a for key, a in RIGHT.items()}
    assert "save x_train.astype('uint8') * 255" in sentence(tmp_path, masks)


def test_two_classes_of_true_and_false_come_right(tmp_path: Path) -> None:
    kept = {key: a > 0 if key[0] == "y" else a for key, a in RIGHT.items()}
    line = re.search(r"save (\S+)$", sentence(tmp_path, kept))
    assert line
    right = {
        key: eval(line[1].replace("y_train", key), {key: a}) if key[0] == "y" else a  # noqa: S307
        for key, a in kept.items()
    }
    np.testing.assert_array_equal(load(tmp_path, right).train.labels, CLASSES > 0)


@pytest.mark.parametrize("labels", [np.full((12, 3), 1 / 3), np.ones((12, 2), np.int64)])
def test_several_numbers_an_image_are_refused_for_what_they_are(labels: Any, tmp_path: Path) -> None:
    assert "several labels an image, are not trained on" in sentence(tmp_path, {**RIGHT, "y_train": labels})


def test_names_as_python_objects_come_right(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "emu"], dtype=object)
    assert "save names with .astype(str)" in sentence(tmp_path, {**RIGHT, "labels": names})
    assert load(tmp_path, {**RIGHT, "labels": names.astype(str)}).labels == ("cat", "dog", "emu")


def test_labels_that_are_names_come_right(tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "emu"])
    kept = {key: names[a] if key[0] == "y" else a for key, a in RIGHT.items()}
    line = re.search(r"numbers, (\S.*), and labels too: labels = (\S.*)$", sentence(tmp_path, kept))
    assert line
    labels = eval(line[2], {"numpy": np, **kept})  # noqa: S307
    numbers = {
        key: eval(line[1].replace("y_train", key), {"numpy": np, "labels": labels, **kept})  # noqa: S307
        for key in ("y_train", "y_test")
    }
    dataset = load(tmp_path, {**kept, **numbers, "labels": labels})
    assert dataset.labels == ("cat", "dog", "emu") and np.array_equal(dataset.train.labels, CLASSES)


@pytest.mark.parametrize(
    "names",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("training_set", "training_targets", "testing_set", "testing_targets"),
    ],
)
def test_other_key_names_are_given_the_line_that_renames_them(
    names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = sentence(tmp_path, dict(zip(names, RIGHT.values(), strict=True)))
    line = re.search(r"save it again: (.*)$", said)
    assert line and f"no array 'x_train' but {names[0]}, " in said
    monkeypatch.chdir(tmp_path)
    exec(line[1], {"numpy": np})  # noqa: S102
    np.testing.assert_array_equal(load_dataset(tmp_path / "new-set.npz").train.images, PIXELS)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"arr_0": PIXELS, "arr_1": CLASSES}, "no array 'x_train' but arr_0, arr_1; it must hold x_train"),
        (RIGHT | {"x_train": PIXELS * 3.0 - 200}, "does not say what is black and what is white"),
        (RIGHT | {"x_train": PIXELS.reshape(12, -1)}, "reshape it to that"),
        (RIGHT | {"x_train": PIXELS[..., :2]}, r"Received: x_train uint8 .*, of 2 channels; save one"),
        (RIGHT | {"x_test": PIXELS[:0]}, "which is empty"),
        (RIGHT | {"y_test": CLASSES - 1}, "of int64 from -1 to 1"),
        (RIGHT | {"y_test": np.eye(12)[:, :3]}, r"y_test \(12, 3\), several numbers an image"),
    ],
)
def test_what_nobody_can_know_is_not_guessed(arrays: dict[str, Any], words: str, tmp_path: Path) -> None:
    assert re.search(words, sentence(tmp_path, arrays))
