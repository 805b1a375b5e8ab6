"""What happens in the child process in which `trial` tries a model."""

import contextlib
import os
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.errors import EdgecnnError
from edgecnn.model_file.container import read_model

from .card_fit import require_card_fits
from .child_process import why_not_run
from .opening import open_session
from .probes import require_right_answers
from .process_state import ProcessState
from .run_options import RunOptions
from .runtimes import REFUSALS
from .scores import find_probabilities
from .trial import Task


class _Steps:
    """Says that the model has run once more, on what is standard output when this is made."""

    def __init__(self, words: str) -> None:
        self._words, self._runs, self._descriptor = words, 0, os.dup(sys.stdout.fileno())

    def look(self, _pixels: Pixels, _raw: npt.NDArray[Any], /) -> None:
        """After each probe."""
        self.step()

    def step(self) -> None:
        """After each run."""
        self._runs += 1
        with contextlib.suppress(OSError):  # a library may have closed it
            os.write(self._descriptor, f"{self._words} {self._runs}\n".encode())

    def finish(self) -> None:
        """After the last."""


def run_in_child(path: str, task_json: str) -> int:
    """0, with the token on standard output, if the model at `path` runs; 1, with a sentence there, if it is refused."""
    task = Task.from_json(task_json)
    delegate, steps = task.options.delegate, _Steps(task.step)
    with ProcessState(delegate.name if delegate else "the runtime").kept():  # what is printed below must come out
        refusal = attempt(path, task.options, task.judged, task.content, steps)
    print(refusal or task.token)
    return 1 if refusal else 0


def attempt(path: str, options: RunOptions, judged: bool, content: str = "", steps: _Steps | None = None) -> str:
    """Load and run a model once, in this process; why it does not run, or nothing.

    Args:
        path: of the file.
        options: how it is to run.
        judged: its golden probes must have the right answers too.
        content: SHA-256 that the flatbuffer must have; empty for any.
        steps: is told of each run, where the probes are to follow.
    """
    try:
        packed = read_model(path)
        if content and packed.flatbuffer_sha256 != content:
            return f"{path} was exchanged while it was opened; open it again"
        session = open_session(packed, options)
        session.run(np.zeros(session.input.shape, session.input.dtype))
        if judged:
            if packed.card:
                require_card_fits(packed.card, session, find_probabilities(packed, session), packed.name)
            if steps is not None:
                steps.step()
            require_right_answers(packed, session, steps)
    except EdgecnnError as error:
        return str(error)
    except (*REFUSALS, LookupError, ArithmeticError, MemoryError) as error:
        return why_not_run(error, options.delegate, path)
    return ""
