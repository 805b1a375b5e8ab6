"""A name that is no data set is answered with what it is, and with what helps."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn import DataError
from edgecnn.train import load_dataset


def sentence(path: Path) -> str:
    with pytest.raises(DataError) as error:
        load_dataset(path)
    return str(error.value)


def test_a_misspelled_name_is_told_from_a_file_of_another_kind(tmp_path: Path) -> None:
    assert sentence(tmp_path / "phtos").startswith(
        f"there is no {tmp_path / 'phtos'}; --data takes fashion-mnist, a fol"
    )
    (tmp_path / "notes.odt").write_bytes(b"text")
    assert sentence(tmp_path / "notes.odt").startswith(f"{tmp_path / 'notes.odt'} is no data set; --data takes ")


@pytest.mark.parametrize("name", ["labels.csv", "LABELS.TSV"])
def test_a_list_of_labels_is_told_of_its_option(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("image,label\n")
    assert "give it with --labels-csv, and the folder of the images with --data" in sentence(tmp_path / name)


@pytest.mark.parametrize("name", ["photos.zip", "photos.tar.gz", "photos.7z"])
def test_an_archive_is_to_be_unpacked(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    assert "is an archive; unpack it, and give the folder in it" in sentence(tmp_path / name)


def test_one_array_is_not_enough(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((4, 8, 8), np.uint8))
    assert "save images and labels in one file with numpy.savez" in sentence(tmp_path / "x.npy")
