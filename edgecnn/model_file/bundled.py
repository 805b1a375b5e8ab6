"""Models and sample images that come with edgecnn."""

import errno
import os
from pathlib import Path

from ..arguments import require_path
from ..errors import ModelFileError

_PACKAGE = Path(__file__).parents[1]
_DEFAULT_SCHEME = ".int8"


def bundled_models() -> dict[str, Path]:
    """Bundled model files by name: `fashion-mnist`, `fashion-mnist.activations`."""
    paths = (_PACKAGE / "models").glob("*.tflite")
    names = {path.name.removesuffix(".tflite").replace(_DEFAULT_SCHEME, ""): path for path in paths}
    return dict(sorted(names.items()))


def find_model(name: str | Path) -> Path:
    """The path of a model: a bundled one's if `name` is its name and no file is called so.

    Raises:
        InputError: `name` is neither text nor a path.
        ModelFileError: its name is too long for the system.
    """
    path = require_path(name, "a model")
    try:
        return path if path.is_file() else bundled_models().get(os.fspath(name), path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise ModelFileError(f"{path}: {error.strerror}; check its name") from None


def sample_images() -> list[Path]:
    """Bundled sample images: PNG, 28 x 28, from Fashion-MNIST's test set."""
    return sorted((_PACKAGE / "samples").glob("*.png"))
