"""Read a model of Keras 2 with tf-keras, in a child process, and make the same network of Keras 3 layers."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgecnn.errors import InputError, ModelFileError
from edgecnn.keras_file import first_clause
from edgecnn.optional_packages import require_package, version_of
from edgecnn.scratch_folder import scratch_folder

from .custom_code import CustomCode
from .damaged_files import damaged
from .keras2_child import probe_images, raw_answers
from .keras2_rebuilding import Rebuilder
from .keras_contents import KerasContents


def read_keras2(contents: KerasContents, code: CustomCode, progress: Callable[[str], None]) -> keras.Model:
    """Make a Keras 3 network that answers as tf-keras does.

    Args:
        contents: what the file says of itself.
        code: what may run to read it.
        progress: is told what wrote it, what read it, and how equal the answers are.

    Returns:
        The network: its layers have the names that they have in the file.

    Raises:
        MissingExtraError: tf-keras is not installed.
        ModelFileError: damaged, or not to be made in Keras 3, or then with other answers.
        InputError: the file of `code` is missing or fails.
    """
    require_package(f"{contents.path}, written by {contents.writer},", "tf-keras", "train")
    with scratch_folder() as scratch:
        folder = Path(scratch)
        _run_child(contents, code, contents.linked_in(folder), folder)
        graph = json.loads((folder / "graph.json").read_text(encoding="utf-8"))
        arrays, answers = (_load(folder / name) for name in ("arrays.npz", "answers.npz"))
    model = Rebuilder(arrays, code.objects(), f"{contents.path}, written by {contents.writer}").model(graph)
    difference = _require_answers(model, answers, contents, _called_as_in_training(graph))
    progress(
        f"{contents.path} was written by {contents.writer}: read with tf-keras {version_of('tf-keras')} and rebuilt "
        f"for Keras {keras.__version__}, whose answers differ from it by {difference:.1g} at most"
    )
    return model


def _load(path: Path) -> list[np.ndarray]:
    with np.load(path) as stored:
        return [stored[f"arr_{number}"] for number in range(len(stored.files))]


def _run_child(contents: KerasContents, code: CustomCode, link: Path, folder: Path) -> None:
    objects = str(code.file.absolute()) if code.file else ""
    request = {"path": str(link), "objects": objects}
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    program = Path(__file__).with_name("keras2_child.py")
    own_path = [entry for entry in sys.path if entry]
    command = [sys.executable, "-I", str(program), str(folder), *own_path]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", env={**os.environ})
    except OSError as error:
        raise ModelFileError(f"no process can be started to read {contents.path} ({error}); free some memory") from None
    if result.returncode == 0:
        return
    refusal = folder / "refusal.json"
    if not refusal.is_file():
        death = signal.strsignal(-result.returncode) if result.returncode < 0 else f"exit status {result.returncode}"
        raise ModelFileError(
            f"tf-keras {version_of('tf-keras')} ends as it reads {contents.path}, written by {contents.writer} "
            f"({death}); {_advice(contents)}"
        )
    told = json.loads(refusal.read_text(encoding="utf-8"))
    if told["kind"] == "input":
        raise InputError(told["reason"])
    reason = first_clause(told["reason"])
    if contents.kind == "HDF5" and "unable to" in reason.lower():
        raise damaged(contents.path, ValueError(reason))
    raise ModelFileError(
        f"tf-keras {version_of('tf-keras')} does not read {contents.path}, written by {contents.writer} ({reason}); "
        f"{_advice(contents)}"
    )


def _advice(contents: KerasContents) -> str:
    code = next((layer.name for layer in contents.layers if layer.has_code), None)
    if code:
        return (
            f"the code of its Lambda layer {code} was compiled by another Python than {sys.version_info.major}."
            f"{sys.version_info.minor}, perhaps: put a function called {code} into a Python file, which runs in its "
            "place with --custom-objects FILE.py"
        )
    return "if it reads where it was made, save it there as a .h5 file, with the newest TensorFlow that reads it"


def _called_as_in_training(described: dict[str, Any]) -> list[str]:
    """The layers that are called with `training=True`, here and in models within the model."""
    graph = described["graph"]
    names = [
        graph["layers"][node["layer"]]["name"] for node in graph["nodes"] if node["kwargs"]["dict"].get("training")
    ]
    return names + [
        name for layer in graph["layers"] if "model" in layer for name in _called_as_in_training(layer["model"])
    ]


def _require_answers(
    model: keras.Model, answers: list[np.ndarray], contents: KerasContents, trained: list[str]
) -> float:
    """The largest difference to the answers of tf-keras, relative to the largest answer where that is above 1.

    Raises:
        ModelFileError: it is too large for the same network.
    """
    # Half precision has 11 bits of mantissa, and bfloat16 8.
    layers: Any = model._flatten_layers()
    tolerance = 1e-4 if all(layer.compute_dtype == "float32" for layer in layers) else 0.05
    largest = 0.0
    probes = probe_images(tuple(model.inputs[0].shape[1:])) if answers else []
    for images, expected in zip(probes, answers, strict=True):
        found = raw_answers(model, images)
        if expected.shape != found.shape or not np.array_equal(np.isnan(expected), np.isnan(found)):
            largest = float("inf")
            break
        scale = max(1.0, float(np.nanmax(np.abs(expected), initial=0)))
        largest = max(largest, float(np.nanmax(np.abs(expected - found), initial=0)) / scale)
    if largest > tolerance and trained:
        raise ModelFileError(
            f"{contents.path}, written by {contents.writer}: layer {trained[0]} is called with training=True, so that "
            "Keras 2 takes batch normalisation from the images that are asked together, and drops out at random: no "
            "answer is of one image alone. Build the network with training=False there, give it these weights with "
            "set_weights(model.get_weights()), and save it; none need be trained again"
        )
    if largest > tolerance:
        raise ModelFileError(
            f"{contents.path}, written by {contents.writer}, answers otherwise once it is rebuilt for Keras "
            f"{keras.__version__} (by up to {largest:.3g}), so nothing was written; report this model"
        )
    return largest
