"""A session with a delegate from elsewhere, which may fail at any image: that is a sentence, or the CPU goes on."""

import contextlib
import threading
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DelegateError, EdgecnnWarning

from .child_process import why_not_run
from .delegates import Delegate
from .forking import tell_of_forks
from .placement import DelegatePlacement
from .process_state import ProcessState
from .runner import Runner
from .tensor_spec import TensorSpec


class DelegatedSession(Runner):
    """A session that a delegate computes until it fails, and the CPU from then on where that is allowed."""

    def __init__(self, runner: Runner, delegate: Delegate, state: ProcessState | None, on_cpu: Callable[[], Runner]):
        """Take over a session that is open.

        Args:
            runner: with the delegate.
            delegate: whether the CPU may go on is up to its `fallback`.
            state: keeps what the delegate must not change, if it is in this process; else None.
            on_cpu: opens the same model without the delegate.
        """
        self._runner, self._state, self._on_cpu = runner, state, on_cpu
        self.delegate = delegate
        self.interpreter = runner.interpreter
        self.input, self.outputs = runner.input, runner.outputs
        self.lock, self.last_input, self._reported = threading.Lock(), None, ""
        tell_of_forks(self)

    def become_copy(self) -> None:
        """In a forked child: `runner` hears of it too."""
        self.lock, self.last_input = threading.Lock(), None

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return self._runner.runtime

    def placement(self) -> DelegatePlacement:
        """Which operators the delegate computes."""
        return self._runner.placement()

    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        """Or raise DelegateError: the delegate fails, and the CPU may not go on."""
        if self.delegate is None:
            self._runner.run(tensor)
            return
        try:
            self._run_delegated(tensor, self.delegate)
        except DelegateError as error:
            if not self.delegate.fallback:
                raise
            self._go_on_without(error, tensor)

    def _go_on_without(self, error: DelegateError, tensor: npt.NDArray[np.generic]) -> None:
        """Have the CPU run `tensor`, and all that follow."""
        warnings.warn(f"{error}; going on with the CPU (--fallback cpu)", EdgecnnWarning, stacklevel=6)
        self._runner, self.delegate = self._on_cpu(), None
        self._runner.run(tensor)

    def _run_delegated(self, tensor: npt.NDArray[np.generic], delegate: Delegate) -> None:
        try:
            with self._state.kept() if self._state else contextlib.nullcontext():
                self._runner.run(tensor)
        except (RuntimeError, ValueError, MemoryError) as error:
            # Interpreters say again all that they have said before.
            told = str(error)
            news = told.removeprefix(self._reported) or told or type(error).__name__
            self._reported = told or self._reported
            raise DelegateError(why_not_run(RuntimeError(news), delegate, "the model")) from None

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """A copy of an output of the last run, in its own dtype, without the batch dimension.

        Raises:
            DelegateError: the delegate made values that are no numbers, or another tensor, and the CPU may not go on.
        """
        if self.delegate is None:
            return self._runner.output(tensor)
        try:
            values = self._runner.output(tensor)
        except (RuntimeError, ValueError, MemoryError) as failure:
            return self._output_without(DelegateError(why_not_run(failure, self.delegate, "the model")), tensor)
        if values.dtype.kind != "f" or np.isfinite(values).all():
            return values
        error = DelegateError(
            f"{self.delegate.name} computes values that are no numbers (NaN or infinite); use --delegate cpu, "
            "which tells whether the model does so too"
        )
        return self._output_without(error, tensor)

    def _output_without(self, error: DelegateError, tensor: TensorSpec) -> npt.NDArray[Any]:
        """The CPU's output for the last input; or raise `error`, where it may not go on."""
        if self.delegate is None or not self.delegate.fallback or self.last_input is None:
            raise error
        self._go_on_without(error, self.last_input)
        return self._runner.output(tensor)

    def read(self, tensors: Sequence[TensorSpec]) -> list[npt.NDArray[Any]]:
        """`output` of each of `tensors`; where one has the CPU go on, all are the CPU's."""
        delegate, values = self.delegate, super().read(tensors)
        return values if self.delegate is delegate else super().read(tensors)
