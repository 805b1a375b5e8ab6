"""Everything that a training needs to go on after its last finished epoch, in one file."""

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from edgecnn.atomic_files import replacing
from edgecnn.errors import ModelFileError
from edgecnn.run_directory import RunDirectory

from ..history import Epoch


def hash_settings(**settings: object) -> str:
    """SHA-256 over the settings that a resumed training must share with the interrupted one."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()


def save_checkpoint(
    path: Path, variables: Sequence[keras.Variable], identity: str, history: Sequence[Epoch], saved_epoch: int
) -> None:
    """Write weights, optimizer state and the states of random generators, replacing an earlier checkpoint whole.

    Raises:
        OutputError: it cannot be written; the earlier one is untouched.
    """
    epochs = [dataclasses.asdict(epoch) for epoch in history]
    state = {"identity": identity, "saved_epoch": saved_epoch, "history": epochs}
    arrays: dict[str, Any] = {
        f"variable{i}": np.asarray(keras.ops.convert_to_numpy(value)) for i, value in enumerate(variables)
    }
    with replacing(path) as temporary, open(temporary, "wb") as file:
        # No allow_pickle=False: NumPy before 2.2 stores any keyword as one more array. Nothing here needs pickle.
        np.savez(file, state=json.dumps(state), **arrays)


def load_checkpoint(path: Path, variables: Sequence[keras.Variable], identity: str) -> tuple[list[Epoch], int]:
    """Restore what `save_checkpoint` wrote into `variables`.

    Returns:
        The history so far, and the epoch that model.keras holds.

    Raises:
        ModelFileError: there is no checkpoint, it is damaged, or it is of another training.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            state: dict[str, Any] = json.loads(str(arrays["state"]))
            if state["identity"] != identity:
                raise ModelFileError(
                    f"{path} is of another training (data, architecture, recipe, seed, version or processor differ); "
                    "resume as it was started, or start anew with --force"
                )
            values = [arrays[f"variable{i}"] for i in range(len(variables))]
            if len(arrays.files) != len(variables) + 1 or any(
                value.shape != tuple(variable.shape) for value, variable in zip(values, variables, strict=True)
            ):
                raise ValueError("its arrays do not fit the network")
            history, saved_epoch = [Epoch(**entry) for entry in state["history"]], int(state["saved_epoch"])
    except FileNotFoundError:
        advice = (
            "start anew with --force, or choose another --output" if RunDirectory(path.parent).model.exists() else ""
        )
        raise ModelFileError(
            f"there is nothing to resume at {path}; {advice or 'leave --resume out to start'}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path} is damaged ({error}); start anew with --force") from None
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
    return history, saved_epoch
