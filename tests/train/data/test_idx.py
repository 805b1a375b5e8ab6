"""MNIST's own file format is a data set: sizes, labels and damage."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DataError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import input_for, load_dataset

TRAIN, TEST = 200, 100


def idx(values: np.ndarray, magic: int) -> bytes:
    return struct.pack(f">{1 + values.ndim}I", magic, *values.shape) + values.astype(np.uint8).tobytes()


@pytest.fixture
def folder(fashion: Dataset, tmp_path: Path) -> Path:
    """The first images, in two spellings of the file names, one of them compressed."""
    x, y = np.asarray(fashion.train.images[: TRAIN + TEST, :, :, 0]), fashion.train.labels[: TRAIN + TEST]
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(x[:TRAIN], 0x803)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(y[:TRAIN], 0x801))
    (tmp_path / "t10k-images.idx3-ubyte").write_bytes(idx(x[TRAIN:], 0x803))
    (tmp_path / "t10k-labels.idx1-ubyte").write_bytes(idx(y[TRAIN:], 0x801))
    return tmp_path


def test_four_files_are_a_data_set_of_their_own_size(folder: Path, fashion: Dataset) -> None:
    dataset = load_dataset(folder)
    assert dataset.labels == tuple("0123456789") and dataset.input == input_for(28, 28, "grayscale", "pad")
    np.testing.assert_array_equal(dataset.train.images, fashion.train.images[:TRAIN])
    np.testing.assert_array_equal(dataset.test.images, fashion.train.images[TRAIN : TRAIN + TEST])
    np.testing.assert_array_equal(dataset.test.labels, fashion.train.labels[TRAIN : TRAIN + TEST])


def test_images_are_made_what_was_asked_for_and_labels_have_names(folder: Path, fashion: Dataset) -> None:
    (folder / "labels.txt").write_text("\n".join(fashion.labels) + "\n")
    dataset = load_dataset(folder, input_for(32, 40, "rgb", "pad"))
    assert dataset.train.images.shape == (TRAIN, 32, 40, 3) and dataset.labels == fashion.labels


@pytest.mark.parametrize("content", ["\ufeff{}\n", "{}\n\n", "{}\r\n \n"])
def test_labels_may_begin_with_a_mark_and_end_in_blank_lines(content: str, folder: Path, fashion: Dataset) -> None:
    (folder / "labels.txt").write_bytes(content.format("\n".join(fashion.labels)).encode())
    assert load_dataset(folder).labels == fashion.labels


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def rewrite(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("train-images-idx3-ubyte.gz", truncate, "train-images-idx3-ubyte.gz is damaged"),
        ("train-images-idx3-ubyte.gz", rewrite(b"no gzip"), "is damaged or no IDX file"),
        ("t10k-images.idx3-ubyte", truncate, "t10k-images.idx3-ubyte ends too early"),
        ("t10k-images.idx3-ubyte", rewrite(idx(np.zeros(100), 0x801)), "is no IDX file of images"),
        ("t10k-images.idx3-ubyte", rewrite(idx(np.zeros((100, 28, 0)), 0x803)), "is no IDX file of images"),
        (
            "t10k-images.idx3-ubyte",
            rewrite(struct.pack(">4I", 0x803, 100, 1 << 31, 1 << 31)),
            "is no IDX file of images",
        ),
        ("t10k-labels.idx1-ubyte", rewrite(idx(np.zeros(99), 0x801)), "100 images and its labels file 99 labels"),
        ("t10k-labels.idx1-ubyte", rewrite(idx(np.zeros(100), 0x801) + b"x"), "longer than its header says"),
        ("t10k-labels.idx1-ubyte", Path.unlink, "has no t10k-labels-idx1-ubyte, compressed or not"),
        ("labels.txt", rewrite(b"only one\n"), "names 1 classes, the labels go up to 9"),
        ("labels.txt", rewrite(b"\xff"), "is not UTF-8 text; .*; write one class name a line"),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    name: str, damage: Callable[[Path], None], message: str, folder: Path
) -> None:
    damage(folder / name)
    with pytest.raises(DataError, match=message):
        load_dataset(folder)


@pytest.mark.parametrize("mark", ["\x0b", "\x85", "\u2028"])
def test_what_no_editor_takes_for_the_end_of_a_line_parts_no_name(mark: str, folder: Path, fashion: Dataset) -> None:
    (folder / "labels.txt").write_text("\n".join(f"{name}{mark}of {name}" for name in fashion.labels), encoding="utf-8")
    with pytest.raises(DataError, match="class names must be unique and printable"):
        load_dataset(folder)
