"""The only file that knows there are several runtimes: LiteRT, and tflite-runtime where LiteRT has no wheel."""

import importlib
import importlib.util
from dataclasses import dataclass
from importlib.metadata import version
from types import ModuleType
from typing import Any, Literal

from edgecnn.errors import DelegateError, ModelFileError
from edgecnn.quiet import captured_stderr

Kernels = Literal["default", "reference", "plain"]
# What interpreters raise on a model that they refuse.
_REFUSALS = (ValueError, RuntimeError, SystemError, TypeError)


@dataclass(frozen=True)
class Runtime:
    """An installed runtime: its package's name, its version, its `interpreter` module."""

    name: str
    version: str
    module: ModuleType


def find_runtime() -> Runtime:
    """The runtime that is installed here; LiteRT if there are several.

    Raises:
        DelegateError: none is installed, or numpy is too new for it; the message has the pip line.
    """
    if importlib.util.find_spec("ai_edge_litert"):
        return _load("ai-edge-litert", "ai_edge_litert.interpreter")
    if importlib.util.find_spec("tflite_runtime"):
        if int(version("numpy").partition(".")[0]) >= 2:
            raise DelegateError(
                f'tflite-runtime needs numpy below 2, here is {version("numpy")}: pip install "numpy<2"'
            )
        return _load("tflite-runtime", "tflite_runtime.interpreter")
    raise DelegateError(
        "no TFLite runtime is installed: pip install ai-edge-litert (on 32-bit Raspberry Pi OS: "
        'pip install tflite-runtime "numpy<2")'
    )


def _load(package: str, module: str) -> Runtime:
    try:
        return Runtime(package, version(package), importlib.import_module(module))
    except ImportError as error:
        raise DelegateError(f"{package} is installed but does not load ({error}); reinstall it with pip") from None


def open_interpreter(runtime: Runtime, flatbuffer: bytes, name: str, threads: int, kernels: Kernels = "default") -> Any:
    """An interpreter with its tensors allocated.

    Args:
        flatbuffer: bytes of a model that has been checked.
        name: of the model, for messages.
        threads: of the runtime, above 0.
        kernels: `default` is the runtime's fastest on the CPU; `reference` the slow ones, equal on all machines;
            `plain` the built-in ones without a delegate.

    Raises:
        ModelFileError: the runtime refuses the model.
    """
    resolvers = runtime.module.OpResolverType
    resolver = {
        "default": resolvers.AUTO,
        "reference": resolvers.BUILTIN_REF,
        "plain": resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    }[kernels]
    interpreter, refusal = None, ""
    with captured_stderr() as native:
        try:
            interpreter = runtime.module.Interpreter(
                model_content=flatbuffer, num_threads=threads, experimental_op_resolver_type=resolver
            )
            interpreter.allocate_tensors()
        except _REFUSALS as error:
            refusal = str(error).strip() or type(error).__name__
    if refusal:
        # Some refusals come with an empty message: the reason is on standard error only.
        reason = " ".join([refusal, *(line for line in native.text.splitlines() if not line.startswith("INFO"))])
        reason = reason[:300]  # some print the model's bytes
        raise ModelFileError(f"{runtime.name} {runtime.version} cannot run {name}: {reason}; convert the model again")
    return interpreter


def operators(interpreter: Any) -> list[dict[str, Any]]:
    """The model's operators in order: op_name, inputs and outputs (tensor indices)."""
    details: list[dict[str, Any]] = interpreter._get_ops_details()  # neither runtime has a public way
    return details
