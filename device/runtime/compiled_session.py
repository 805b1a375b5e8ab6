"""Accelerators behind LiteRT's CompiledModel, which external delegates cannot reach."""

import atexit
import contextlib
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import DelegateError
from edgecnn.model_file.container import PackedModel
from edgecnn.native_output import captured_stderr, drop_native_output
from edgecnn.printable import printable

from .accelerators import accelerator
from .delegates import Delegate
from .forking import never_release
from .placement import DelegatePlacement
from .run_options import RunOptions
from .runtimes import RUNTIMES, is_installed, operators
from .session import Session
from .tensor_spec import TensorSpec


@dataclass
class _Compiled:
    """What belongs to the accelerator; LiteRT speaks when it goes."""

    model: Any
    inputs: Any
    outputs: Any

    def release(self) -> None:
        with captured_stderr():
            self.inputs = self.outputs = None
            self.model = None


class CompiledSession(Session):
    """A model on a GPU or NPU; its tensors are described by a plain interpreter, which never runs."""

    def __init__(self, model: PackedModel, delegate: Delegate, options: RunOptions) -> None:
        """Compile `model`.

        Args:
            model: a file that has been read and checked.
            delegate: one that is part of LiteRT's CompiledModel.
            options: the threads, and the runtime if one is insisted on.

        Raises:
            DelegateError: another runtime than LiteRT, or there is no such accelerator.
        """
        if options.runtime not in (None, "litert"):
            raise DelegateError(
                f"the delegate {delegate.name} is part of LiteRT, not of {options.runtime}; give up one"
            )
        if not is_installed("litert"):
            raise DelegateError(f"the delegate {delegate.name} needs LiteRT: {RUNTIMES['litert'].install}")
        super().__init__(model, replace(options, kernels="plain", delegate=None, runtime="litert"))
        self.delegate = delegate
        self._is_copy = False
        self._compiled = _compile(model, delegate)
        self._finalizer = weakref.finalize(self, self._compiled.release)
        # LiteRT writes of its inner life: now, when the first tensor is written, and when the process ends.
        atexit.unregister(drop_native_output)
        atexit.register(drop_native_output)
        self._quiet: contextlib.AbstractContextManager[object] = captured_stderr()
        self._places = {
            name: place for place, name in enumerate(self._compiled.model.get_signature_by_index(0)["outputs"])
        }

    def placement(self) -> DelegatePlacement:
        """All of the model: LiteRT refuses one of which an accelerator alone cannot run everything."""
        names = tuple(operator["op_name"] for operator in operators(self.interpreter))
        return DelegatePlacement(self.delegate.name if self.delegate else "", len(names), (names,), ())

    def become_copy(self) -> None:
        """In a forked child: the accelerator stays the parent's."""
        super().become_copy()
        self._finalizer.detach()
        never_release(self._compiled)
        self._is_copy = True

    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        if self._is_copy:
            raise self.refusal_after_fork()
        quiet, self._quiet = self._quiet, contextlib.nullcontext()
        with quiet:
            self._compiled.inputs[0].write(np.ascontiguousarray(tensor))
            self._compiled.model.run_by_index(0, self._compiled.inputs, self._compiled.outputs)

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """A copy of an output of the last run, in its own dtype, without the batch dimension."""
        count = int(np.prod(tensor.shape))
        buffer = self._compiled.outputs[self._places[tensor.name]]
        values: npt.NDArray[Any] = np.asarray(buffer.read(count, tensor.dtype.type)).reshape(tensor.shape)[0]
        return values


def _compile(model: PackedModel, delegate: Delegate) -> _Compiled:
    refusal = ""
    with captured_stderr() as native:
        try:
            from ai_edge_litert import compiled_model as litert

            # Without the CPU beside it: with it, LiteRT falls back to it silently.
            chosen: dict[str, Any] = {
                "hardware_accelerators": getattr(litert.HardwareAccelerator, delegate.name.upper())
            }
            if delegate.name in WITH_OPTIONS:
                chosen |= WITH_OPTIONS[delegate.name](dict(delegate.options))
            compiled = litert.CompiledModel.from_buffer(model.flatbuffer, options=litert.Options(**chosen))
            return _Compiled(compiled, compiled.create_input_buffers(0), compiled.create_output_buffers(0))
        except (ImportError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            refusal = str(error).strip() or type(error).__name__
    lines = [line for line in native.text.splitlines() if "ERROR" in line and line not in refusal]
    reason = " ".join(f"{refusal} {lines[-1] if lines else ''}".split())[:300]
    raise DelegateError(
        f"the delegate {delegate.name} does not start ({printable(reason)}); {accelerator(delegate.name).advice}"
    )


def _openvino(options: dict[str, str]) -> dict[str, Any]:
    """Those of Intel's compiler."""
    from ai_edge_litert import options as litert_options

    backend = getattr(litert_options.IntelOpenVinoGraphBackend, options.get("device", "NPU").upper())
    return {"intel_openvino_options": litert_options.IntelOpenVinoOptions(graph_backend=backend)}


# What an accelerator's options, those of its row, are to `litert.Options`.
WITH_OPTIONS: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {"npu": _openvino}
