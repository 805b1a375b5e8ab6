"""A session in a worker process: a delegate that crashes, hangs or ends its process does this one no harm."""

import os
import threading
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DelegateError, EdgecnnWarning
from edgecnn.model_file.container import PackedModel

from .child_process import blame_delegate
from .delegates import Delegate
from .forking import tell_of_forks
from .placement import DelegatePlacement
from .run_options import RunOptions
from .runner import Runner
from .tensor_spec import TensorSpec
from .worker import Worker, WorkerLostError

MOST_RESTARTS = 20
FORGOTTEN_AFTER = 1000  # images without another: a camera runs for years


class IsolatedSession(Runner):
    """A model in a worker process, which is started again where it ends, with the image that it was given."""

    def __init__(self, model: PackedModel, delegate: Delegate, options: RunOptions) -> None:
        """Start a worker that loads `model`.

        Args:
            model: a file that has been read and checked.
            delegate: what computes it.
            options: how it is to run.

        Raises:
            DelegateError: the delegate or the runtime refuses, crashes or hangs.
            ModelFileError: the runtime refuses the model.
        """
        self._model, self._options, self._folder = model, options, os.getcwd()
        self._blame = blame_delegate(delegate)
        self.delegate, self.interpreter = delegate, None
        self.lock, self.last_input = threading.Lock(), None
        self._restarts, self._done_since = 0, 0
        self._values = dict[str, npt.NDArray[Any]]()
        worker = self._start()
        self._worker: Worker | None = worker
        self.input, self.outputs = worker.input, worker.outputs
        self._runtime, self._placement = worker.runtime, worker.placement
        tell_of_forks(self)

    def _start(self) -> Worker:
        return Worker(self._model, self._options, self._blame, self._folder)

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return self._runtime

    def placement(self) -> DelegatePlacement:
        """Which operators the delegate computes."""
        return self._placement

    def become_copy(self) -> None:
        """In a forked child: the worker is the parent's; the next run starts another."""
        self.lock, self.last_input = threading.Lock(), None
        if self._worker is not None:
            self._worker.abandon()
            self._worker = None

    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        """Twice, where the worker ends at the first time; or raise DelegateError: it ends again, or too often."""
        if self._done_since >= FORGOTTEN_AFTER:
            self._restarts = 0
        try:
            self._values = self._run(tensor)
            self._done_since += 1
        except WorkerLostError as lost:
            self._worker = None
            self._restarts, self._done_since = self._restarts + 1, 0
            if self._restarts > MOST_RESTARTS:
                raise DelegateError(f"{lost}; it was started again {MOST_RESTARTS} times") from None
            reason = str(lost).partition(";")[0]
            warnings.warn(f"{reason}; started again, with the image that it had", EdgecnnWarning, stacklevel=5)
            self._values = self._run(tensor)

    def _run(self, tensor: npt.NDArray[np.generic]) -> dict[str, npt.NDArray[Any]]:
        if self._worker is None:
            self._worker = self._start()
        try:
            return self._worker.run(tensor)
        except BaseException:
            self._worker = None
            raise

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """An output of the last run, in its own dtype, without the batch dimension."""
        return self._values[tensor.name]
