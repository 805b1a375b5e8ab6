"""What people are told of their images: duplicates among the splits, rare classes."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import DataError
from edgecnn.train import input_for, load_dataset
from edgecnn.train.data.quality import note_few_images

SPEC = input_for(32, 24, "rgb", "crop")


def test_a_near_duplicate_is_reported(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos, tmp_path / "split" / "train")
    other = np.random.default_rng(0)
    for name in ("bag", "sneaker"):
        (tmp_path / "split" / "test" / name).mkdir(parents=True)
        noise = Image.fromarray(other.integers(0, 256, (40, 40, 3), dtype=np.uint8))
        noise.save(tmp_path / "split" / "test" / name / "noise.png")
    with Image.open(photos / "bag" / "01.png") as image:
        brighter = np.asarray(image).clip(max=254) + np.uint8(1)
        Image.fromarray(brighter).save(tmp_path / "split" / "test" / "bag" / "alike.png")
    said: list[str] = []
    load_dataset(tmp_path / "split", SPEC, progress=said.append)
    assert any("0 of 3 test images are training images too, 1 more look like one" in line for line in said)


def test_an_image_in_two_classes_is_reported_wherever_its_copies_lie(photos: Path, tmp_path: Path) -> None:
    for split, start in (("train", 0), ("test", 10)):
        for name in ("bag", "sneaker"):
            (tmp_path / "split" / split / name).mkdir(parents=True)
            for path in sorted((photos / name).iterdir())[start : start + 10]:
                shutil.copy(path, tmp_path / "split" / split / name)
    said: list[str] = []
    load_dataset(tmp_path / "split", SPEC, progress=said.append)
    assert not any("another class" in line for line in said)
    for copy in ("train/sneaker/a bag.png", "test/sneaker/a bag.png"):
        shutil.copy(tmp_path / "split" / "train" / "bag" / "01.png", tmp_path / "split" / copy)
        load_dataset(tmp_path / "split", SPEC, progress=said.append)
        (tmp_path / "split" / copy).unlink()
    within, copied, across = (line for line in said if "another class" in line)
    assert "1 images have the same pixels" in within and "01.png of bag" in within and "a bag.png of sneaker" in within
    assert "1 of 21 test images" in copied and "flattered" not in copied
    assert "01.png of bag" in across and "test/sneaker/a bag.png of sneaker" in across


def test_rare_classes_are_reported(photos: Path) -> None:
    for path in sorted((photos / "bag").iterdir())[4:]:
        path.unlink()
    said: list[str] = []
    load_dataset(photos, SPEC, progress=said.append)
    assert any("unbalanced" in line and "of bag; --class-weights of edgecnn train gives" in line for line in said)


def test_classes_that_differ_in_spelling_alone_are_reported(photos: Path) -> None:
    for copied, name in (("bag", "Bag"), ("bag", "hand-bag"), ("sneaker", "Hand_bag"), ("sneaker", "handbag")):
        shutil.copytree(photos / copied, photos / name)
    said: list[str] = []
    dataset = load_dataset(photos, SPEC, progress=said.append)
    alike = [line for line in said if "differ in capitals" in line]
    assert len(dataset.labels) == 6 and len(alike) == 2
    assert "'Bag' and 'bag'" in alike[0] and "'Hand_bag' and 'hand-bag'" in alike[1]


def test_a_class_whose_name_cannot_be_seen_is_refused_before_the_training(photos: Path) -> None:
    (photos / "bag").rename(photos / " ")
    with pytest.raises(DataError, match=r"class names must be unique and printable; give others\. Received: ' '"):
        load_dataset(photos, SPEC)


def test_of_many_class_names_those_that_are_refused_are_named(photos: Path) -> None:
    (photos / "bag").rename(photos / "left\u202e")
    with pytest.raises(DataError) as refused:
        load_dataset(photos, SPEC)
    assert str(refused.value).endswith(r"Received: 'left\u202e'")


def test_few_photographs_of_a_class_are_told_of_pretrained_networks(photos: Path) -> None:
    said: list[str] = []
    dataset = load_dataset(photos, input_for(32, 32, "rgb", "crop"))
    note_few_images(dataset, "reference", said.append)
    (words,) = said
    fewest = min(len(list(folder.iterdir())) for folder in photos.iterdir())
    number = int(words.split()[0])
    assert 0 < number < fewest and "--architecture mobilenet_v2" in words
    note_few_images(load_dataset(photos, input_for(32, 32, "grayscale", "crop")), "reference", said.append)
    note_few_images(load_dataset(photos, SPEC), "reference", said.append)
    assert said == [words]
    note_few_images(dataset, "mobilenet_v2-0.5", said.append)
    assert "without --weights none" in said[-1] and "--architecture" not in said[-1]
