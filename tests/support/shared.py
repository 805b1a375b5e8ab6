"""What the worker processes of one test run make once and share."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What `make` returns for a folder of its own, made by the first worker that asks; the others wait and read it.

    Training and converting take longer than all other tests together: no two workers do the same.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:  # boards have neither workers nor filelock
        return make(factory.mktemp(name))
    from filelock import FileLock

    folder = factory.getbasetemp().parent / "shared"
    folder.mkdir(exist_ok=True)
    kept = folder / f"{name}.pickle"
    with FileLock(folder / f"{name}.lock"):
        if not kept.is_file():
            place = folder / name
            place.mkdir(exist_ok=True)
            made = make(place)
            kept.write_bytes(pickle.dumps(made))
        loaded: Made = pickle.loads(kept.read_bytes())
        return loaded
