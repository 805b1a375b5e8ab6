"""Run in a child process: load a model, perhaps with a delegate, and invoke it once, so that a crash happens here."""

import json

import numpy as np

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import read_model

from .delegates import BUILT_IN, Delegate
from .session import open_session


def main(path: str, asked: str) -> int:
    """0 if the model at `path` runs; 1, with a sentence on standard output, if it is refused.

    Args:
        asked: JSON of a delegate's name or null and its options, a runtime's name or null, and the threads.
    """
    name, options, runtime, threads = json.loads(asked)
    delegate = Delegate(name, tuple((key, value) for key, value in options)) if name else None
    try:
        session = open_session(read_model(path), threads, delegate=delegate, runtime=runtime)
        session.run(np.zeros(session.input.shape, session.input.dtype))
    except EdgecnnError as error:
        print(error)
        return 1
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        is_own = delegate is None or delegate.name in BUILT_IN
        blame = f"{path} does not run" if is_own or delegate is None else f"{delegate.name} fails to compute"
        advice = "it is damaged, convert the model again" if is_own else "use --delegate cpu"
        print(f"{blame} ({reason}); {advice}")
        return 1
    return 0
