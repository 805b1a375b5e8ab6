"""Run by `load_model` in a child process: load a model and invoke it once, so that a crash happens here."""

import sys

import numpy as np

from edgecnn.errors import EdgecnnError
from edgecnn.packing import read_model

from .session import Session


def main(path: str) -> int:
    """0 if the model at `path` runs; 1, with a sentence on standard error, if it is refused."""
    try:
        session = Session(read_model(path))
        session.run(np.zeros(session.input.shape, session.input.dtype))
    except EdgecnnError as error:
        print(error, file=sys.stderr)
        return 1
    except (RuntimeError, ValueError) as error:
        print(f"{path} does not run ({error}); it is damaged, convert the model again", file=sys.stderr)
        return 1
    return 0
