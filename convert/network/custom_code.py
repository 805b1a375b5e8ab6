"""Code that a Keras model needs and edgecnn does not bring: classes of somebody's own, the functions of a Lambda."""

import contextlib
import functools
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgecnn.errors import InputError
from edgecnn.model_file.container import sha256
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import load_tensorflow, require_tensorflow

_PREFIX = "edgecnn_custom_"  # of the names of modules


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
    """SHA-256 of the files that ran in this process to read models, and of the modules beside them; empty for none."""
    modules = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
    folders = {Path(file).resolve().parent for name, file in modules.items() if file and name.startswith(_PREFIX)}
    if not folders:
        return ""  # the files of all modules, some thousand, take a third of a second
    files = {Path(file).resolve() for file in modules.values() if file}
    used = sorted(file for file in files if file.parent in folders and file.is_file())
    return sha256(b"".join(file.read_bytes() for file in used)) if used else ""


@functools.cache  # it runs once, so that there is one class of each name
def load_objects(file: Path) -> dict[str, Any]:
    """Run a Python file, once in a process, and return what it defines at its top level, by name.

    Raises:
        InputError: it is missing, or fails.
    """
    if not file.is_file():
        raise InputError(f"no file {file}; --custom-objects takes a Python file with the model's own classes")
    spec = importlib.util.spec_from_file_location(f"{_PREFIX}{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"{file} is no Python file; --custom-objects takes one with the model's own classes")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # pickling and Keras look a class up in its module
    sys.path.insert(0, str(file.resolve().parent))  # it may import what lies beside it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        reason = (str(error).strip().splitlines() or [""])[0]
        raise InputError(f"{file} fails as it is read ({type(error).__name__}: {reason}); correct it") from None
    finally:
        sys.path.remove(str(file.resolve().parent))
    return {name: value for name, value in vars(module).items() if callable(value) and not name.startswith("_")}
