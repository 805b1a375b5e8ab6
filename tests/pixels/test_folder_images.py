"""Images that are none of the classes: what a folder of them holds besides."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.errors import DataError
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.folder_images import read_folder
from edgecnn.train import load_dataset


def save_image(path: Path, level: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 20), level).save(path)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Of cats and crème, ten images each."""
    for level in range(20):
        save_image(tmp_path / "data" / ("cat" if level < 10 else "cr\u00e8me") / f"{level}.png", 10 * level)
    return load_dataset(tmp_path / "data")


def test_images_of_the_classes_are_left_out_by_their_pixels_and_by_their_folders(
    dataset: Dataset, tmp_path: Path
) -> None:
    others = tmp_path / "others"
    save_image(others / "fence" / "copy.png", 30)  # of a cat, under another name
    save_image(others / "fence" / "own.png", 215)
    save_image(others / "a" / "cre\u0300me" / "1.png", 225)  # as a Mac writes it
    said: list[str] = []
    found = read_folder(others, dataset.input, "others, please", said.append, strange_to=dataset)
    assert found.shape == (1, *dataset.input.shape) and np.unique(found).tolist() == [215]
    assert len(said) == 2 and "1 of the images are left out, in folders called cre\u0300me" in said[0]
    assert "1 of the images are left out, which are of data itself" in said[1]


def test_a_folder_of_the_classes_alone_is_a_sentence(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is of no class; others, please"):
        read_folder(tmp_path / "data", dataset.input, "others, please", strange_to=dataset)
