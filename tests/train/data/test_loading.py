"""People's own images: mixed modes and sizes, damaged files, duplicates, rare classes; folders and arrays."""

import contextlib
import io
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from edgecnn import DataError
from edgecnn.cli import main
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.preprocessing import prepare_source
from edgecnn.train import input_for, load_dataset

SPEC = input_for(32, 24, "rgb", "crop")


@pytest.fixture
def photos(fashion: Dataset, tmp_path: Path) -> Path:
    """Sneakers and bags, 20 each, of six modes and many sizes."""
    generator, folder = random.Random(0), tmp_path / "photos"
    for label, name in ((7, "sneaker"), (8, "bag")):
        (folder / name).mkdir(parents=True)
        for number, index in enumerate(np.flatnonzero(fashion.train.labels == label)[:20]):
            size = generator.randrange(30, 200), generator.randrange(30, 200)
            image = Image.fromarray(fashion.train.images[index, :, :, 0]).resize(size)
            mode = ("L", "RGB", "RGBA", "P", "CMYK", "LA")[number % 6]
            suffix = "jpg" if mode == "CMYK" else "png"
            image.convert("RGB" if mode == "P" else "L").convert(mode).save(folder / name / f"{number:02}.{suffix}")
    return folder


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


def test_unreadable_files_are_listed_and_left_out_up_to_a_number(photos: Path) -> None:
    (photos / "bag" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    (photos / "sneaker" / "empty.png").write_bytes(b"")
    said: list[str] = []
    with pytest.raises(DataError, match="2 images cannot be read, at most 1 may"):
        load_dataset(photos, SPEC, max_corrupt=1)
    dataset = load_dataset(photos, SPEC, max_corrupt=2, progress=said.append)
    assert len(dataset.train) + len(dataset.test) == 40
    assert sum(line.startswith("left out: ") for line in said) == 2


def test_a_rare_class_keeps_its_images_for_training(photos: Path) -> None:
    for path in sorted((photos / "bag").iterdir())[3:]:
        path.unlink()
    dataset = load_dataset(photos, SPEC)
    assert np.bincount(dataset.train.labels).tolist() == [2, 16] and np.bincount(dataset.test.labels).tolist() == [1, 4]


def test_rare_classes_are_reported(photos: Path) -> None:
    for path in sorted((photos / "bag").iterdir())[4:]:
        path.unlink()
    said: list[str] = []
    load_dataset(photos, SPEC, progress=said.append)
    assert any("unbalanced" in line and "of bag" in line for line in said)


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


def test_an_empty_name_is_a_sentence_and_not_the_current_folder() -> None:
    with pytest.raises(DataError, match="name is empty"):
        load_dataset("")


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_what_is_no_data_set_is_a_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.txt").write_text("text")
    with pytest.raises(DataError, match="none of fashion-mnist, a folder"):
        load_dataset(tmp_path / name)


def saved(tmp_path: Path, **arrays: object) -> Path:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    (tmp_path / "set.npz").write_bytes(buffer.getvalue())
    return tmp_path / "set.npz"


def test_arrays_in_a_file_are_a_data_set(fashion: Dataset, tmp_path: Path) -> None:
    x, y = fashion.train.images[:100, :, :, 0], fashion.train.labels[:100]
    path = saved(tmp_path, x_train=x, y_train=y, x_test=x[:30], y_test=y[:30], labels=np.array(fashion.labels))
    dataset = load_dataset(path, input_for(28, 28, "grayscale", "pad"))
    assert dataset.labels == fashion.labels
    np.testing.assert_array_equal(dataset.train.images, fashion.train.images[:100])


GOOD = {
    "x_train": np.zeros((4, 8, 8), np.uint8),
    "y_train": np.arange(4),
    "x_test": np.zeros((2, 8, 8), np.uint8),
    "y_test": [0, 1],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((4, 8, 8), np.float32)}, "must hold uint8 images"),
        ({"y_train": np.arange(3)}, "and a label for each"),
        ({"y_train": np.array([0.0, 1, 2, 3])}, "must hold class indices"),
        ({"labels": np.array(["a", "b"])}, "names 2 labels for 4 classes"),
        ({"labels": np.array(["a", "a", "b", "c"])}, "class names must be unique and printable"),
        ({"y_test": np.array([0, 0])}, "the test images have none of class 1"),
        ({"y_train": np.zeros(4, int), "y_test": np.array([0, 0])}, "names 1 labels|one class only"),
        ({"y_train": np.array([0, 1, 2, 2**63], np.uint64)}, "class indices from 0 to 65535"),
    ],
)
def test_arrays_that_do_not_fit_are_a_sentence(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(saved(tmp_path, **(GOOD | change)))


def test_flipped_bytes_in_an_array_file_are_a_sentence_or_harmless(tmp_path: Path) -> None:
    whole, generator = saved(tmp_path, **GOOD).read_bytes(), random.Random(0)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        (tmp_path / "set.npz").write_bytes(damaged)
        with contextlib.suppress(DataError):
            load_dataset(tmp_path / "set.npz")


def test_a_missing_array_or_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no array .*x_test"):
        load_dataset(saved(tmp_path, x_train=GOOD["x_train"], y_train=GOOD["y_train"]))
    (tmp_path / "set.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match="does not read as a .npz file"):
        load_dataset(tmp_path / "set.npz")


def test_own_photographs_train_convert_and_classify_through_the_command_line(photos: Path, tmp_path: Path) -> None:
    (photos / "bag" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    run = tmp_path / "run"

    def edgecnn(*arguments: str | Path) -> str:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.stdout

    options: list[str | Path] = [
        "--image-size",
        "24x32",
        "--fit",
        "pad",
        "--max-corrupt",
        "1",
        "--epochs",
        "40",
        "--output",
        run,
    ]
    edgecnn("train", "--data", photos, *options)
    edgecnn("convert", run, "--data", photos, "--int8", "--calibration-images", "20")
    assert "accuracy" in edgecnn("evaluate", run / "model.int8.tflite", "--data", photos)
    assert edgecnn("verify", run / "model.int8.tflite").endswith("PASS\n")
    answers = edgecnn("classify", run / "model.int8.tflite", photos / "sneaker").splitlines()
    assert sum(": sneaker " in line for line in answers) >= 17


@pytest.mark.parametrize("size", ["0", "x", "12x", "a", "12x0", "-3"])
def test_impossible_image_size_is_wrong_usage(size: str, photos: Path) -> None:
    result = CliRunner().invoke(main, ["train", "--data", str(photos), "--image-size", size])
    assert result.exit_code == 2 and "such as 64 or 48x64" in result.output


@pytest.mark.parametrize(
    "option", [["--image-size", "32"], ["--color", "rgb"], ["--fit", "pad"], ["--max-corrupt", "1"]]
)
def test_options_of_own_images_are_refused_without_them(option: list[str]) -> None:
    result = CliRunner().invoke(main, ["train", *option])
    assert result.exit_code == 2 and "goes with --data" in result.output
