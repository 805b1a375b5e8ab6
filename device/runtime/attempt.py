"""What happens in the child process in which `trial` tries a model."""

import numpy as np

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import PackedModel, read_model

from .opening import open_session
from .probes import require_right_answers
from .run_options import RunOptions
from .trial import Task


def run_in_child(path: str, task_json: str) -> int:
    """0, with the token on standard output, if the model at `path` runs; 1, with a sentence there, if it is refused."""
    task = Task.from_json(task_json)
    delegate = task.options.delegate
    try:
        attempt(read_model(path), task.options, task.judged)
    except EdgecnnError as error:
        print(error)
        return 1
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if delegate is None or delegate.is_built_in:
            print(f"{path} does not run ({reason}); it is damaged, convert the model again")
        else:
            print(f"{delegate.name} fails to compute ({reason}); use --delegate cpu")
        return 1
    print(task.token)
    return 0


def attempt(packed: PackedModel, options: RunOptions, judged: bool) -> None:
    """Load and run a model once, in this process.

    Args:
        packed: the model.
        options: how it is to run.
        judged: its golden probes must have the right answers too.

    Raises:
        EdgecnnError: it is refused, or its probes are answered otherwise.
        RuntimeError: the runtime does not compute it.
        ValueError: likewise.
    """
    session = open_session(packed, options)
    session.run(np.zeros(session.input.shape, session.input.dtype))
    if judged:
        require_right_answers(packed, session)
