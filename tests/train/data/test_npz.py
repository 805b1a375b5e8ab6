"""Arrays in a .npz file are a data set, or a sentence."""

import io
import random
from pathlib import Path

import numpy as np
import pytest

from edgecnn import DataError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import input_for, load_dataset


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


@pytest.mark.parametrize("kind", [np.bytes_, np.str_])
def test_names_may_be_text_or_its_bytes(kind: type, tmp_path: Path) -> None:
    names = np.array(["cat", "dog", "Kätzchen"])
    labels = np.char.encode(names, "utf-8") if kind is np.bytes_ else names
    x, y = np.arange(6 * 64, dtype=np.uint16).reshape(6, 8, 8).astype(np.uint8), np.arange(6) % 3
    arrays = {"x_train": x, "y_train": y, "x_test": 255 - x, "y_test": y}
    assert load_dataset(saved(tmp_path, **arrays, labels=labels)).labels == ("cat", "dog", "Kätzchen")
    assert load_dataset(saved(tmp_path, **arrays, labels=labels[:, None])).labels == ("cat", "dog", "Kätzchen")


GOOD = {
    "x_train": np.zeros((4, 8, 8), np.uint8),
    "y_train": np.arange(4),
    "x_test": np.ones((4, 8, 8), np.uint8),
    "y_test": np.arange(4),
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.zeros((4, 8, 8), np.float32)}, "must hold uint8 images"),
        ({"x_test": np.ones((4, 8, 7), np.uint8)}, r"one size and kind.*\(4, 8, 8\) and x_test \(4, 8, 7\)"),
        ({"x_test": np.ones((4, 8, 8, 3), np.uint8)}, "one size and kind"),
        ({"y_train": np.arange(3)}, "and a label for each"),
        ({"y_train": np.array([0.0, 1, 2, 3])}, "must hold class indices"),
        ({"labels": np.array(["a", "b"])}, "names 2 labels for 4 classes"),
        ({"labels": np.array([b"a", b"\xff", b"b", b"c"])}, "does not read as a .npz file .*utf-8"),
        ({"labels": np.array(["a", "a", "b", "c"])}, "class names must be unique and printable"),
        ({"y_test": np.array([0, 0, 2, 3])}, "the test images have none of class 1"),
        ({"y_train": np.zeros(4, int), "y_test": np.zeros(4, int)}, "names 1 labels|one class only"),
        ({"y_train": np.array([0, 1, 2, 2**63], np.uint64)}, "class indices from 0 to 65535"),
    ],
)
def test_arrays_that_do_not_fit_are_a_sentence(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(saved(tmp_path, **(GOOD | change)))


@pytest.mark.parametrize("start", range(0, 300, 50))
def test_flipped_bytes_in_an_array_file_are_a_sentence_or_harmless(start: int, tmp_path: Path) -> None:
    path = saved(tmp_path, **GOOD)
    whole, unharmed = path.read_bytes(), load_dataset(path)
    refused = 0
    for seed in range(start, start + 50):
        generator, damaged = random.Random(seed), bytearray(whole)
        damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        try:
            dataset = load_dataset(path)
        except DataError:
            refused += 1
            continue
        # What is not protected by a checksum, such as a date, may change; the images and labels may not.
        assert dataset.sha256 == unharmed.sha256
    assert refused > 25


def test_a_missing_array_or_a_damaged_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no array .*x_test"):
        load_dataset(saved(tmp_path, x_train=GOOD["x_train"], y_train=GOOD["y_train"]))
    (tmp_path / "set.npz").write_bytes(b"PK nonsense")
    with pytest.raises(DataError, match=r"does not read as a .npz file"):
        load_dataset(tmp_path / "set.npz")
    with pytest.raises(DataError, match=r"^cannot read .*other.npz \(No such file or directory\); check the path$"):
        load_dataset(tmp_path / "other.npz")
