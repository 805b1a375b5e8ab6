"""Folders as people have them: splits under any name, what lies beside, and what is not said."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from edgecnn import DataError
from edgecnn.train import input_for, load_dataset
from edgecnn.train.data.folder_layout import split_of

SPEC = input_for(16, 16, "rgb", "crop")
LEVELS = {"cat": 60, "dog": 140, "emu": 220}


def fill(folder: Path, count: int = 5, classes: tuple[str, ...] = ("cat", "dog"), start: int = 0) -> Path:
    """`count` plain images a class, no two alike."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(start, start + count):
            Image.new("RGB", (20, 20), (LEVELS[name], number, 0)).save(folder / name / f"{number}.png")
    return folder


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("training_set", ("train", ())), ("Test_Set", ("test", ())), ("dev", ("validation", ())),
        ("VAL", ("validation", ())), ("01-train", ("train", ())), ("trainData", ("train", ())),
        ("testset", ("test", ())), ("seg_train", ("train", ("seg",))), ("Training Images", ("train", ())),
        ("invalid", None), ("trains", None), ("contest", None), ("test train", None),
    ],
)  # fmt: skip
def test_a_name_says_its_split(name: str, split: object) -> None:
    assert split_of(name) == split


@pytest.mark.parametrize(
    ("train", "other", "is_test"),
    [
        ("training_set", "test_set", True), ("train", "dev", False), ("Training", "Validation", False),
        ("seg_train", "seg_test", True), ("pets-train", "pets-val", False), ("TRAIN", "TEST", True),
    ],
)  # fmt: skip
def test_split_folders_are_splits_under_any_name(train: str, other: str, is_test: bool, tmp_path: Path) -> None:
    fill(tmp_path / train, 10)
    fill(tmp_path / other, 3, start=100)
    dataset = load_dataset(tmp_path, SPEC)
    assert dataset.labels == ("cat", "dog")
    if is_test:
        assert (len(dataset.train), dataset.validation, len(dataset.test)) == (20, None, 6)
    else:  # one in five training images is for the test
        assert dataset.validation and (len(dataset.train), len(dataset.validation), len(dataset.test)) == (16, 6, 4)


def test_splits_without_class_folders_are_no_classes(tmp_path: Path) -> None:
    """As Kaggle's cats and dogs unpack: train/cat.0.jpg, test1/1.jpg."""
    fill(tmp_path / "made")
    for name, kind in (("train", "cat"), ("test1", "dog")):
        (tmp_path / "made" / kind).rename(tmp_path / "made" / name)
    with pytest.raises(DataError, match=r"test1, train are splits, and none .*/train with --labels-from-names"):
        load_dataset(tmp_path / "made", SPEC)


def test_a_split_that_an_archive_wrapped_in_itself_is_that_split(tmp_path: Path) -> None:
    fill(tmp_path / "seg_train" / "seg_train", 10)
    fill(tmp_path / "seg_test" / "seg_test", 3, start=100)
    dataset = load_dataset(tmp_path, SPEC)
    assert (dataset.labels, len(dataset.train), len(dataset.test)) == (("cat", "dog"), 20, 6)


def test_classes_whose_names_hold_a_split_word_are_classes(tmp_path: Path) -> None:
    for name, kind in (("crash test", "cat"), ("train station", "dog")):
        fill(tmp_path / "made", classes=(kind,))
        (tmp_path / "made" / kind).rename(tmp_path / "made" / name)
    assert load_dataset(tmp_path / "made", SPEC).labels == ("crash test", "train station")


def test_folders_that_all_hold_the_same_folders_are_refused(tmp_path: Path) -> None:
    for batch in ("batch1", "batch2"):
        fill(tmp_path / batch)
    with pytest.raises(DataError, match=r"batch1, batch2 holds the same folders, cat, dog, so it is not said which"):
        load_dataset(tmp_path, SPEC)


def test_splits_below_classes_are_to_be_turned_round(tmp_path: Path) -> None:
    for split in ("train", "test"):
        fill(tmp_path / "source" / split)
        for name in ("cat", "dog"):
            shutil.copytree(tmp_path / "source" / split / name, tmp_path / "set" / name / split)
    with pytest.raises(DataError, match=r"cat, dog holds the same folders, test, train, which are splits; turn it"):
        load_dataset(tmp_path / "set", SPEC)


def test_folders_below_classes_that_hold_images_too_are_no_doubt(tmp_path: Path) -> None:
    fill(tmp_path / "set")
    for name in ("cat", "dog"):
        shutil.copytree(tmp_path / "set" / name, tmp_path / "more" / name / "indoors")
        shutil.copy(tmp_path / "set" / name / "0.png", tmp_path / "more" / name)
    dataset = load_dataset(tmp_path / "more", SPEC)
    assert dataset.labels == ("cat", "dog") and len(dataset.train) + len(dataset.test) == 12


def test_what_is_neither_split_nor_class_is_named(tmp_path: Path) -> None:
    for split in ("seg_train", "seg_test"):
        fill(tmp_path / split)
    (tmp_path / "seg_pred").mkdir()
    with pytest.raises(DataError, match="seg_pred is neither a split nor a class"):
        load_dataset(tmp_path, SPEC)


@pytest.mark.parametrize("splits", [("train",), ("train", "val")])
def test_a_test_folder_without_classes_says_why_it_is_of_no_use(splits: tuple[str, ...], tmp_path: Path) -> None:
    for split in splits:
        fill(tmp_path / split)
    (tmp_path / "test").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "test" / "1.png")
    with pytest.raises(DataError, match="test holds no class folders, so nobody says what its images show"):
        load_dataset(tmp_path, SPEC)


def test_systems_folders_are_no_classes_and_the_rest_is_said_once(tmp_path: Path) -> None:
    fill(tmp_path)
    for clutter in ("__MACOSX/cat/._0.png", ".ipynb_checkpoints/0-checkpoint.png", "cat/._0.png", "dog/Thumbs.db"):
        (tmp_path / clutter).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / clutter).write_bytes(b"x")
    for other in ("cat/a.nef", "dog/b.nef", "dog/notes.txt"):
        (tmp_path / other).write_bytes(b"x")
    Image.new("RGB", (9, 9)).save(tmp_path / "beside.png")
    said: list[str] = []
    dataset = load_dataset(tmp_path, SPEC, progress=said.append)
    assert dataset.labels == ("cat", "dog") and len(dataset.train) + len(dataset.test) == 10
    left_out = [line for line in said if "left out" in line]
    assert len(left_out) == 2
    assert "1 images lie beside" in left_out[0] and "2 .nef, 1 .txt (.nef are photographs" in left_out[1]


def test_a_folder_too_high_names_the_right_one(tmp_path: Path) -> None:
    fill(tmp_path / "archive" / "pets")
    for folder in (tmp_path / "archive", tmp_path):
        with pytest.raises(DataError, match=r"archive/pets holds several, give it instead"):
            load_dataset(folder, SPEC)


@pytest.mark.parametrize("split", ["test", "val"])
def test_a_split_without_images_of_a_class_is_told_what_to_do_whether_its_folder_is_there_or_not(
    split: str, tmp_path: Path
) -> None:
    fill(tmp_path / "train")
    fill(tmp_path / split, classes=("cat",))
    for is_there in (False, True):
        if is_there:
            (tmp_path / split / "dog").mkdir()
        with pytest.raises(DataError, match=rf"dog.* or move \S+/{split} away"):
            load_dataset(tmp_path, SPEC)
    (tmp_path / split).rename(tmp_path.parent / f"{tmp_path.name}-{split}")
    assert len(load_dataset(tmp_path, SPEC).test) == 2


def test_images_in_one_folder_are_sent_to_the_options_that_label_them(tmp_path: Path) -> None:
    fill(tmp_path)
    with pytest.raises(DataError, match="--labels-csv FILE, or by --labels-from-names"):
        load_dataset(tmp_path / "cat", SPEC)


def apart(name: str) -> str:
    """A name with accents as characters of their own, as a Mac's archives have it."""
    return unicodedata.normalize("NFD", name)


def test_a_macs_folders_are_the_classes_that_others_call_so(tmp_path: Path) -> None:
    for split, form in (("train", apart), ("test", str)):
        fill(tmp_path / split)
        (tmp_path / split / "cat").rename(tmp_path / split / form("ÉLAN"))
        (tmp_path / split / "dog").rename(tmp_path / split / form("Eber"))  # of NFC the first, of NFD the last
        fill(tmp_path / split, classes=("emu",))
    dataset = load_dataset(tmp_path, SPEC)
    assert dataset.labels == ("Eber", "emu", "ÉLAN")
    for part in (dataset.train, dataset.test):
        shown = [int(part.images[list(part.labels).index(row)][0, 0, 0]) for row in range(3)]
        assert shown == [LEVELS["dog"], LEVELS["emu"], LEVELS["cat"]]


def test_two_folders_that_read_alike_are_to_become_one(tmp_path: Path) -> None:
    fill(tmp_path / "set")
    (tmp_path / "set" / "cat").rename(tmp_path / "set" / "chêne")
    (tmp_path / "set" / "dog").rename(tmp_path / "set" / apart("chêne"))
    with pytest.raises(DataError, match="two folders called chêne"):
        load_dataset(tmp_path / "set", SPEC)
