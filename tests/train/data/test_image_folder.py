"""People's own photographs: mixed modes and sizes, damaged files, folders by class and by split."""

import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import DataError, MissingExtraError
from edgecnn.pixels.preprocessing import prepare_source
from edgecnn.train import input_for, load_dataset

SPEC = input_for(32, 24, "rgb", "crop")


def test_labels_are_the_sorted_folder_names_and_one_in_five_is_set_aside(photos: Path) -> None:
    dataset = load_dataset(photos, SPEC)
    assert dataset.labels == ("bag", "sneaker") and dataset.input == SPEC
    assert len(dataset.train) == 32 and np.bincount(dataset.test.labels).tolist() == [4, 4]
    assert dataset.train.images.shape == (32, 32, 24, 3)


def test_split_folders_may_be_spelt_in_capitals_but_not_twice(photos: Path, tmp_path: Path) -> None:
    for split in ("Training", "Testing"):
        shutil.copytree(photos, tmp_path / "split" / split)
    dataset = load_dataset(tmp_path / "split", SPEC)
    assert dataset.labels == ("bag", "sneaker") and len(dataset.test) == 40
    shutil.copytree(photos, tmp_path / "split" / "train")
    with pytest.raises(DataError, match="has one split twice"):
        load_dataset(tmp_path / "split", SPEC)


def test_a_class_may_be_called_train(photos: Path) -> None:
    (photos / "bag").rename(photos / "train")
    assert load_dataset(photos, SPEC).labels == ("sneaker", "train")


def test_images_are_what_the_device_would_make_of_the_files(photos: Path) -> None:
    dataset = load_dataset(photos, SPEC)
    prepared = {prepare_source(str(path), SPEC).pixels.tobytes() for path in photos.rglob("*.*")}
    seen = {image.tobytes() for split in (dataset.train, dataset.test) for image in split.images}
    assert seen == prepared


def test_the_same_folder_gives_the_same_splits_and_checksum(photos: Path) -> None:
    one, two = load_dataset(photos, SPEC), load_dataset(photos, SPEC)
    assert one.sha256 == two.sha256 and np.array_equal(one.test.images, two.test.images)
    (photos / "bag" / "00.png").unlink()
    assert load_dataset(photos, SPEC).sha256 != one.sha256


def test_split_folders_are_taken_as_they_are(photos: Path, tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        shutil.copytree(photos, tmp_path / "split" / split)
    said: list[str] = []
    dataset = load_dataset(tmp_path / "split", SPEC, progress=said.append)
    assert dataset.validation and (len(dataset.train), len(dataset.validation), len(dataset.test)) == (40, 40, 40)
    assert any("40 of 40 test images are training images too" in line for line in said)


def test_unreadable_files_are_listed_and_left_out_up_to_a_number(photos: Path) -> None:
    (photos / "bag" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (photos / "sneaker" / "empty.png").write_bytes(b"")
    said: list[str] = []
    with pytest.raises(DataError, match="images that cannot be read: 2, at most 1 may"):
        load_dataset(photos, SPEC, max_corrupt=1)
    dataset = load_dataset(photos, SPEC, max_corrupt=2, progress=said.append)
    assert len(dataset.train) + len(dataset.test) == 40
    assert sum(line.startswith("left out: ") for line in said) == 2


@pytest.mark.parametrize("images", [2, 3])
def test_a_rare_class_keeps_its_images_for_training_but_one(images: int, photos: Path) -> None:
    for path in sorted((photos / "bag").iterdir())[images:]:
        path.unlink()
    dataset = load_dataset(photos, SPEC)
    assert np.bincount(dataset.train.labels).tolist() == [images - 1, 16]
    assert np.bincount(dataset.test.labels).tolist() == [1, 4]


def test_an_empty_class_folder_is_a_sentence(photos: Path) -> None:
    (photos / "hat").mkdir()
    with pytest.raises(DataError, match="hat holds no images"):
        load_dataset(photos, SPEC)


def test_one_class_only_is_a_sentence(photos: Path) -> None:
    shutil.rmtree(photos / "bag")
    with pytest.raises(DataError, match="at least two class folders"):
        load_dataset(photos, SPEC)


def test_too_few_images_to_split_is_a_sentence(photos: Path) -> None:
    for path in sorted((photos / "bag").iterdir())[1:]:
        path.unlink()
    with pytest.raises(DataError, match=r"class bag has 1 image\(s\)"):
        load_dataset(photos, SPEC)


def test_other_classes_in_another_split_are_a_sentence(photos: Path, tmp_path: Path) -> None:
    for split in ("train", "test"):
        shutil.copytree(photos, tmp_path / "split" / split)
    (tmp_path / "split" / "test" / "bag").rename(tmp_path / "split" / "test" / "hat")
    with pytest.raises(DataError, match="other class folders than the training images: bag, hat"):
        load_dataset(tmp_path / "split", SPEC)


def test_heic_photographs_are_trained_on_as_the_device_sees_them(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs edgecnn[heic]")
    pillow_heif.register_heif_opener()  # for writing
    for path in sorted((photos / "bag").iterdir()):
        Image.open(path).convert("RGB").save(path.with_suffix(".HEIC"), "HEIF")
        path.unlink()
    dataset = load_dataset(photos, SPEC)
    prepared = {prepare_source(str(path), SPEC).pixels.tobytes() for path in (photos / "bag").iterdir()}
    bags = {image.tobytes() for image in np.asarray(dataset.train.images)[dataset.train.labels == 0]}
    assert len(bags) == 16 and bags < prepared
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pillow_heif" else find_spec(name))
    with pytest.raises(MissingExtraError, match=r"20 HEIC photographs, such as .*bag.* need pillow-heif"):
        load_dataset(photos, SPEC, max_corrupt=40)
