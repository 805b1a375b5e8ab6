"""Loaded models in pickles: what travels is where the file lies and how it runs, and it is loaded anew there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from edgecnn.errors import ModelFileError

from .loaded_model import LoadedModel
from .loading import read_packed
from .run_options import RunOptions

T = TypeVar("T")

Reduced = tuple[Callable[..., T], tuple[Any, ...]]


def reduce_loaded(opens: Callable[..., T], model: str | Path, options: RunOptions, loaded: LoadedModel) -> Reduced[T]:
    """What `__reduce__` of a class that opens `model` returns.

    Args:
        opens: takes the model and `options`, and makes the object.
        model: as the class was given it.
        options: how it runs.
        loaded: what it loaded.
    """
    # A bundled model is found by its name wherever edgecnn is installed; a path must not depend on the working folder.
    place = str(Path(model).resolve()) if Path(model).is_file() else str(model)
    signers = options.require_signature
    if signers is not None:
        options = replace(options, require_signature=str(Path(signers).resolve()))
    return _load_again, (opens, place, loaded.packed.flatbuffer_sha256, options)


def _load_again(opens: Callable[..., T], model: str, flatbuffer_sha256: str, options: RunOptions) -> T:
    """An object like the one that was pickled.

    Raises:
        ModelFileError: another model lies under its name now, or none.
    """
    if read_packed(model).flatbuffer_sha256 != flatbuffer_sha256:
        raise ModelFileError(
            f"{model} is another model than the one that was pickled; copy that one here, or load this"
        )
    # The file that was opened before is the same: no child process needs to try it first.
    return opens(model, replace(options, trust=True))
