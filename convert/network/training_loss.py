"""Which loss a Keras model was compiled with: it says what the outputs of a network without a last activation mean."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

from edgecnn.zip_errors import ZIP_ERRORS

from .saved_model import read_saved_model

# Of one probability a class; of a number.
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
REGRESSION = (
    "mean_squared_error", "mse", "mean_absolute_error", "mae", "mean_absolute_percentage_error", "mape",
    "mean_squared_logarithmic_error", "msle", "huber", "log_cosh", "logcosh", "poisson",
)  # fmt: skip


def training_loss(path: Path) -> str:
    """The name of its loss in snake case, such as `binary_crossentropy`; empty where the file does not say.

    Args:
        path: a .keras or .h5 file, or the folder of a SavedModel.
    """
    try:
        return _name(_compiled(path).get("loss"))
    except (*ZIP_ERRORS, LookupError, AttributeError, TypeError):  # it was never compiled
        return ""


def _compiled(path: Path) -> dict[str, Any]:
    if path.is_dir():
        trained = [json.loads(text) for text in read_saved_model(path).layers if '"training_config"' in text]
        of_saved_model: dict[str, Any] = trained[0]["training_config"]
        return of_saved_model
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found: dict[str, Any] = json.loads(archive.read("config.json"))["compile_config"]
        return found
    import h5py

    with h5py.File(path) as file:
        found = json.loads(file.attrs["training_config"])
    return found


def _name(loss: Any) -> str:
    """Of a name, a class or function with its configuration, or a list or dictionary of one of them."""
    while isinstance(loss, list) and len(loss) == 1:
        loss = loss[0]
    if isinstance(loss, dict) and loss.get("class_name") == "function":  # Keras 3: its name stands beside
        loss = loss.get("config")
    if isinstance(loss, dict):
        loss = loss.get("class_name") or (next(iter(loss.values())) if len(loss) == 1 else "")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", loss).lower() if isinstance(loss, str) else ""
