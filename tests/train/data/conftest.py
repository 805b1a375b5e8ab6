"""Photographs in class folders, as people have them."""

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.pixels.dataset import Dataset


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
