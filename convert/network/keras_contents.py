"""What a Keras file says of itself: which Keras wrote it, and its layers, read without building any."""

import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edgecnn.errors import ModelFileError
from edgecnn.model_file.other_formats import START_BYTES, describe_format, is_saved_model
from edgecnn.zip_errors import ZIP_ERRORS

from .damaged_files import HDF5, damaged
from .saved_model import read_saved_model, without_layers

Kind = Literal["HDF5", "zip", "SavedModel"]
_SUFFIXES = {"HDF5": ".h5", "zip": ".keras", "SavedModel": ""}
# They hold objects with names that are no layers: optimizers, policies.
_NO_LAYERS = ("compile_config", "training_config", "build_config", "dtype", "arguments")


@dataclass(frozen=True)
class StoredLayer:
    """A layer as a file names it.

    Attributes:
        name: of the layer.
        class_name: of its class, without the package it was registered for.
        config: its arguments.
        module: where Keras looks its class up; empty where the file does not say.
        registered: the name that its class was registered under, likewise.
    """

    name: str
    class_name: str
    config: dict[str, Any]
    module: str = ""
    registered: str = ""

    @property
    def has_code(self) -> bool:
        """Whether it is a Lambda layer (here a CodeLayer, once imported) whose code, compiled, lies in the file."""
        return self.class_name == "CodeLayer" or (self.class_name == "Lambda" and not self.called)

    @property
    def called(self) -> str:
        """The name of the function that a Lambda layer calls, where the file has no more of it than that."""
        stored = self.config.get("function")
        name = stored.get("config") if isinstance(stored, dict) else stored
        return name if isinstance(name, str) else ""


@dataclass(frozen=True)
class KerasContents:
    """A file, or a folder, that holds a Keras model.

    Attributes:
        path: of it.
        kind: how it is stored.
        version: of the Keras that wrote it, for a SavedModel of TensorFlow; empty where it does not say.
        layers: all of them, those of models inside the model too.
    """

    path: Path
    kind: Kind
    version: str
    layers: tuple[StoredLayer, ...]

    @property
    def is_keras_2(self) -> bool:
        """Whether it was written by Keras 2, or one before."""
        return self.kind == "SavedModel" or self.version[:2] in ("", "0.", "1.", "2.")

    @property
    def writer(self) -> str:
        """What wrote it, in words."""
        program = "TensorFlow" if self.kind == "SavedModel" else "Keras"
        return f"{program} {self.version}" if self.version else f"a {program} that left no version in it"

    def linked_in(self, folder: Path) -> Path:
        """A link to it in `folder`, with the suffix by which Keras chooses how to read, whatever its own is.

        TensorFlow 2.11 and before wrote HDF5 into .keras files, and people rename them.
        """
        link = folder / f"model{_SUFFIXES[self.kind]}"
        link.symlink_to(self.path.absolute())
        return link


def read_contents(path: Path) -> KerasContents:
    """Read which Keras wrote a model, and its layers.

    Args:
        path: a .keras or .h5 file, whatever its suffix, or the folder of a SavedModel.

    Raises:
        ModelFileError: missing, damaged, or no whole Keras model.
    """
    if path.is_dir() and is_saved_model(path):
        return _read_saved_model(path)
    if not path.is_file():
        raise ModelFileError(f"no Keras model at {path}; give a .keras or .h5 file, or the folder of a SavedModel")
    with path.open("rb") as file:
        start = file.read(len(HDF5))
    return _read_hdf5(path) if start == HDF5 else _read_zip(path)


def _read_hdf5(path: Path) -> KerasContents:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            version, config = (_text(file.attrs.get(name)) for name in ("keras_version", "model_config"))
    except (OSError, KeyError, RuntimeError) as error:
        raise damaged(path, error) from None
    if not config:
        raise ModelFileError(
            f"{path} holds weights without the network they belong to; save the whole model where it was built: "
            'model.save("model.h5")'
        )
    return KerasContents(path, "HDF5", version, _layers(path, config))


def _text(stored: Any) -> str:
    return stored.decode("utf-8", "replace") if isinstance(stored, bytes) else str(stored or "")


def _read_zip(path: Path) -> KerasContents:
    try:
        with zipfile.ZipFile(path) as file:
            if (wrong := file.testzip()) is not None:
                raise zipfile.BadZipFile(f"{wrong} is not what was written")
            _require_members(path, file.namelist())
            metadata = json.loads(file.read("metadata.json"))
            if not isinstance(metadata, dict):
                raise ValueError("its metadata.json is no JSON object")
            config = file.read("config.json").decode()
    except ZIP_ERRORS as error:
        raise damaged(path, error) from None
    return KerasContents(path, "zip", str(metadata.get("keras_version", "")), _layers(path, config))


def _require_members(path: Path, names: list[str]) -> None:
    weights = [name for name in names if name.startswith("model.weights.")]
    missing = [name for name in ("metadata.json", "config.json") if name not in names]
    if missing or not weights:
        with path.open("rb") as file:
            sentence = describe_format(file.read(START_BYTES))
        if sentence:
            raise ModelFileError(f"{path} {sentence}")
        inside = next((name for name in names if name.endswith((".keras", ".h5", "saved_model.pb"))), "")
        made = 'give a file that model.save("model.keras") wrote'
        advice = f"unpack it and give the {inside} in it" if inside and missing else made
        what = " and ".join(missing or ["its weights"])
        raise ModelFileError(f"{path} is a zip without {what}, which a .keras file has; {advice}")


def _read_saved_model(folder: Path) -> KerasContents:
    contents = read_saved_model(folder)
    if not any(contents.layers):
        raise without_layers(folder, contents)
    found = [layer for text in contents.layers if text for layer in _layers(folder, text)]
    return KerasContents(folder, "SavedModel", contents.version, tuple(found))


def _layers(path: Path, text: str) -> tuple[StoredLayer, ...]:
    try:
        return tuple(_find_layers(json.loads(text)))
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from None


def _find_layers(stored: Any) -> Iterator[StoredLayer]:
    """Every object with a class and a configuration that has a name: layers have one, initializers have not."""
    if isinstance(stored, list):
        for each in stored:
            yield from _find_layers(each)
    if not isinstance(stored, dict):
        return
    config, class_name = stored.get("config"), stored.get("class_name")
    if isinstance(class_name, str) and isinstance(config, dict) and "name" in config:
        module, registered = (str(stored.get(key) or "") for key in ("module", "registered_name"))
        yield StoredLayer(str(config["name"]), class_name.rsplit(">", 1)[-1], config, module, registered)
    for key, each in stored.items():
        if key not in _NO_LAYERS:
            yield from _find_layers(each)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of all the files of a folder: their names and bytes in order."""
    import hashlib

    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_file()):
        digest.update(os.fsencode(file.relative_to(path)) + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
