"""Run by `load_model` in a child process: load a model and invoke it once, so that a crash happens here."""

import sys

import numpy as np

from edgecnn.errors import EdgecnnError
from edgecnn.packing import read_model

from .session import Session


def main() -> int:
    """Exit 0 if the model named on the command line runs, 1 with a sentence on standard error if it is refused."""
    try:
        session = Session(read_model(sys.argv[1]))
    except EdgecnnError as error:
        print(error, file=sys.stderr)
        return 1
    session.run(np.zeros(session.input.shape, session.input.dtype))
    return 0


if __name__ == "__main__":
    sys.exit(main())
