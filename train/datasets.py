"""Data sets by what a user names: Fashion-MNIST, a folder, a .npz file."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgecnn.card import Colour, Fit, InputSpec
from edgecnn.dataset import Dataset
from edgecnn.errors import DataError, InputError

from . import arrays, fashion_mnist, image_folder
from .checks import check


def input_for(height: int, width: int, colour: Colour, fit: Fit) -> InputSpec:
    """How people's own images become a network's input: pixels divided by 255, no background assumed.

    Raises:
        InputError: a size below 1.
    """
    channels = 1 if colour == "grayscale" else 3
    scale, offset = (1 / 255,) * channels, (0.0,) * channels
    try:
        return InputSpec(height, width, channels, colour, fit, "bilinear", scale, offset, "any")
    except ValueError as error:
        raise InputError(f"image size: {error}") from None


def load(
    data: str | Path | None = None,
    spec: InputSpec | None = None,
    *,
    data_dir: str | Path | None = None,
    max_corrupt: int = 0,
    progress: Callable[[str], None] = lambda message: None,
) -> Dataset:
    """Load a data set.

    Args:
        data: `fashion-mnist` (or None), a folder of class folders, or a .npz file.
        spec: how its images become input; 64 x 64 rgb, cropped to fit, if it is None. Fashion-MNIST has its own.
        data_dir: where Fashion-MNIST's files are.
        max_corrupt: how many files of a folder may be unreadable.
        progress: is told, in words, what is found and left out.

    Raises:
        DataError: missing, damaged, or not usable.
    """
    if data is None or str(data) == fashion_mnist.NAME:
        return fashion_mnist.load(data_dir, progress)
    if not str(data):
        raise DataError("the data set's name is empty; give fashion-mnist, a folder of class folders, or a .npz file")
    path = Path(data)
    spec = spec or input_for(64, 64, "rgb", "crop")
    if path.suffix == ".npz":
        dataset = arrays.load(path, spec)
    elif path.is_dir():
        dataset = image_folder.load(path, spec, max_corrupt, progress)
    else:
        raise DataError(
            f"{data} is neither {fashion_mnist.NAME}, a folder of class folders, nor a .npz file; check --data"
        )
    dataset = replace(dataset, source=str(data))
    check(dataset, progress)
    return dataset
