"""Code that a Keras model needs and edgecnn does not bring: classes of somebody's own, the functions of a Lambda."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.errors import InputError
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_tensorflow
from edgecnn.user_code import run_python_file, sha256_of_files

_read: dict[Path, tuple[str, dict[str, Any]]] = {}  # by file, its SHA-256, and what it defines


@dataclass(frozen=True)
class CustomCode:
    """What a user lets run to read a model.

    Attributes:
        file: a Python file with classes and functions that the model names; None for none.
        is_trusted: whether code that lies in the model itself, a Lambda layer's, may run.
    """

    file: Path | None = None
    is_trusted: bool = False

    def objects(self) -> dict[str, Any]:
        """The classes and functions of `file` by their names; runs it.

        Raises:
            InputError: it is missing, or fails.
        """
        return load_objects(self.file) if self.file else {}

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Let Keras 3 find them in the block.

        Raises:
            InputError: as `objects`.
        """
        if not self.file and not self.is_trusted:
            yield
            return
        require_tensorflow("a model with code of its own")
        load_tensorflow()
        with captured_stderr():
            import keras
        from keras.src.saving.serialization_lib import SafeModeScope

        trusting = SafeModeScope(False) if self.is_trusted else contextlib.nullcontext()
        with keras.saving.custom_object_scope(self.objects()), trusting:
            yield


def sha256_of_code() -> str:
    """SHA-256 of the files that ran in this process to read models, and of what they import from beside them."""
    return sha256_of_files(_read)


def load_objects(file: Path) -> dict[str, Any]:
    """What a Python file defines at its top level, by name: run once as long as it stays, it has one class of a name.

    Raises:
        InputError: it is missing, or fails.
    """
    if not file.is_file():
        raise InputError(f"no file {file}; --custom-objects takes a Python file with the model's own classes")
    digest, before = sha256_of_files([file]), _read.get(file.resolve())
    if before is None or before[0] != digest:
        defined = vars(run_python_file(file)).items()
        objects = {name: value for name, value in defined if callable(value) and not name.startswith("_")}
        before = _read[file.resolve()] = digest, objects
    return before[1]
