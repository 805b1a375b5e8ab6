"""All images in a folder, as a model is fed, whatever they show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..arguments import require_path
from ..arrays import Pixels
from ..errors import DataError, InputError
from .image_files import find_images, require_heif
from .input_spec import InputSpec
from .preprocessing import prepare_source

MOST_IMAGES = 2_000  # enough for a percentage that repeats, and few enough to lie in memory
_MOST_BYTES = 500_000_000


def read_folder(
    folder: str | Path,
    spec: InputSpec,
    purpose: str,
    progress: Callable[[str], None] = lambda _: None,
    most: int = MOST_IMAGES,
) -> Pixels:
    """Read the images in `folder` and the folders in it.

    Args:
        folder: what to read.
        spec: how images become the model's input.
        purpose: what takes the folder, and of which images, for the error where it is none.
        progress: is told what is left out.
        most: how many are drawn, at random, where there are more.

    Returns:
        uint8 (count, height, width, channels), in the order of their names.

    Raises:
        DataError: no folder, or no image in it that can be read.
        MissingExtraError: HEIC photographs, and pillow-heif is not installed.
    """
    root = require_path(folder, "a folder of images")
    if not root.is_dir():
        raise DataError(f"no folder {folder}; {purpose}")
    try:
        paths = find_images([str(root)])
    except InputError as error:
        raise DataError(str(error)) from None
    require_heif(paths)
    most = max(1, min(most, _MOST_BYTES // int(np.prod(spec.shape))))
    if len(paths) > most:
        progress(f"{folder}: {most:,} of {len(paths):,} images are drawn")
        paths = [paths[row] for row in np.sort(np.random.default_rng(0).permutation(len(paths))[:most])]
    images = []
    for path in paths:
        try:
            images.append(prepare_source(path, spec).pixels)
        except InputError as error:
            progress(f"left out: {error}")
    if not images:
        raise DataError(f"{folder} holds no image that can be read; give a folder of PNG or JPEG files")
    return np.stack(images)
