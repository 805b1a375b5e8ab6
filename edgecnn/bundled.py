"""Models and sample images that come with edgecnn."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

_DEFAULT_SCHEME = "int8"


def bundled_models() -> dict[str, Path]:
    """Bundled model files by name: `fashion-mnist`, `fashion-mnist.activations`."""
    folder = Path(str(resources.files("edgecnn.models")))
    names = {path.name.removesuffix(".tflite").replace(f".{_DEFAULT_SCHEME}", ""): path for path in folder.glob("*.tflite")}
    return dict(sorted(names.items()))


def find_model(name: str | Path) -> Path:
    """The path of a model: a bundled one's if `name` is its name and no file is called so."""
    path = Path(name)
    return path if path.exists() else bundled_models().get(str(name), path)
