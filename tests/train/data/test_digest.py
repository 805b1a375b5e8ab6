"""What tells one data set from another is the same on every machine and in every version: cards hold it."""

import hashlib
import io
from pathlib import Path

import numpy as np

from edgecnn.train import input_for, load_dataset


def test_a_data_set_is_told_by_its_names_and_then_images_and_labels_of_each_split(tmp_path: Path) -> None:
    pixels, labels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2), np.array([0, 1, 1])
    buffer = io.BytesIO()
    np.savez(
        buffer, x_train=pixels, y_train=labels, x_test=pixels[1:], y_test=labels[:2], labels=np.array(["ant", "bee"])
    )
    (tmp_path / "set.npz").write_bytes(buffer.getvalue())

    def numbers(*values: int) -> bytes:
        return b"".join(value.to_bytes(8, "little") for value in values)

    content = b"('ant', 'bee')" + bytes(range(12)) + numbers(0, 1, 1) + bytes(range(4, 12)) + numbers(0, 1)
    found = load_dataset(tmp_path / "set.npz", input_for(2, 2, "grayscale", "pad"))
    assert found.sha256 == hashlib.sha256(content).hexdigest()
