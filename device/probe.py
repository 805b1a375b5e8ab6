"""Run in a child process: load a model, perhaps with a delegate, and invoke it once, so that a crash happens here."""

import json

import numpy as np

from edgecnn.errors import EdgecnnError
from edgecnn.packing import read_model

from .delegates import Delegate
from .session import open_session


def main(path: str, asked: str = "") -> int:
    """0 if the model at `path` runs; 1, with a sentence on standard output, if it is refused.

    Args:
        asked: JSON of a delegate's name and options, a runtime's name or null, and the threads; empty for none.
    """
    delegate, runtime, threads = None, None, 1
    if asked:
        name, options, runtime, threads = json.loads(asked)
        delegate = Delegate(name, tuple((key, value) for key, value in options))
    try:
        session = open_session(read_model(path), threads, delegate=delegate, runtime=runtime)
        session.run(np.zeros(session.input.shape, session.input.dtype))
    except EdgecnnError as error:
        print(error)
        return 1
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        blame = f"{delegate.name} fails to compute" if delegate else f"{path} does not run"
        advice = "use --delegate cpu" if delegate else "it is damaged, convert the model again"
        print(f"{blame} ({reason}); {advice}")
        return 1
    return 0
