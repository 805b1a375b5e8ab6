"""The only file that knows there are several runtimes: LiteRT, tflite-runtime where it has no wheel, TensorFlow's."""

import importlib
import importlib.util
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

from edgecnn.errors import DelegateError, EdgecnnWarning, InputError, ModelFileError
from edgecnn.native_output import captured_stderr

Kernels = Literal["default", "reference", "plain"]
# What interpreters raise on a model that they refuse.
_REFUSALS = (ValueError, RuntimeError, SystemError, TypeError)


@dataclass(frozen=True)
class Runtime:
    """An installed runtime: its package's name and its `interpreter` module."""

    name: str
    module: ModuleType

    @property
    def version(self) -> str:
        """Of the package."""
        from importlib.metadata import PackageNotFoundError, version  # half as slow to import as the runtime itself

        try:
            return version(self.name)
        except PackageNotFoundError:  # built by hand, or a wheel of another name
            return "of an unknown version"

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


# In the order in which they are taken: the package, its module, and the folder by which it is found.
RUNTIMES = {
    "litert": ("ai-edge-litert", "ai_edge_litert.interpreter"),
    "tflite-runtime": ("tflite-runtime", "tflite_runtime.interpreter"),
    "tensorflow": ("tensorflow", "tensorflow.lite.python.interpreter"),
}
INSTALL = {
    "litert": "pip install ai-edge-litert (there is none for 32-bit systems)",
    "tflite-runtime": 'pip install tflite-runtime "numpy<2"',
    "tensorflow": "pip install tensorflow",
}


def is_installed(name: str) -> bool:
    """Whether a runtime of `RUNTIMES` is there; it is not imported."""
    return importlib.util.find_spec(RUNTIMES[name][1].partition(".")[0]) is not None


def find_runtime(name: str | None = None) -> Runtime:
    """The runtime that is installed here: LiteRT before tflite-runtime before TensorFlow's interpreter.

    Args:
        name: insist on one of `RUNTIMES`.

    Raises:
        DelegateError: none is installed, or numpy is too new for it; the message has the pip line.
        InputError: there is no runtime of that name.
    """
    if name is not None and name not in RUNTIMES:
        raise InputError(f"unknown runtime {name!r}; known: {', '.join(RUNTIMES)}")
    if name is not None and not is_installed(name):
        raise DelegateError(f"the runtime {name} is not installed: {INSTALL[name]}")
    found = name or next((known for known in RUNTIMES if is_installed(known)), None)
    if found is None:
        raise DelegateError(
            "no TFLite runtime is installed: pip install ai-edge-litert (on 32-bit Raspberry Pi OS: "
            'pip install tflite-runtime "numpy<2")'
        )
    if found == "tflite-runtime" and int(np.__version__.partition(".")[0]) >= 2:
        raise DelegateError(f'tflite-runtime needs numpy below 2, here is {np.__version__}: pip install "numpy<2"')
    if found == "tensorflow":
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if name is None:
            warnings.warn(
                f"running on TensorFlow's own interpreter, which takes seconds to start: {INSTALL['litert']}",
                EdgecnnWarning,
                stacklevel=2,
            )
    return _load(*RUNTIMES[found])


def _load(package: str, module: str) -> Runtime:
    try:
        with captured_stderr():  # TensorFlow speaks while it is imported
            importlib.import_module(module)
        return Runtime(package, importlib.import_module(module))
    except ImportError as error:
        raise DelegateError(f"{package} is installed but does not load ({error}); reinstall it with pip") from None


def open_interpreter(
    runtime: Runtime,
    flatbuffer: bytes,
    name: str,
    threads: int,
    kernels: Kernels = "default",
    delegates: Sequence[Any] = (),
) -> tuple[Any, list[dict[str, Any]]]:
    """An interpreter with its tensors allocated, and its operators once `delegates` have taken theirs.

    Args:
        flatbuffer: bytes of a model that has been checked.
        name: of the model, for messages.
        threads: of the runtime, above 0.
        kernels: `default` is the runtime's fastest on the CPU; `reference` the slow ones, equal on all machines;
            `plain` the built-in ones without a delegate.
        delegates: loaded ones, which take what they can before the kernels.

    Raises:
        ModelFileError: the runtime refuses the model.
        DelegateError: a delegate does.
    """
    resolvers = runtime.module.OpResolverType
    resolver = {
        "default": resolvers.AUTO,
        "reference": resolvers.BUILTIN_REF,
        "plain": resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    }[kernels]
    interpreter, listed, refusal = None, [], ""
    with captured_stderr(and_stdout=bool(delegates)) as native:
        try:
            interpreter = runtime.module.Interpreter(
                model_content=flatbuffer,
                num_threads=threads,
                experimental_op_resolver_type=resolver,
                experimental_delegates=list(delegates) or None,
            )
            # A runtime's own delegate takes what is left when tensors are allocated, and looks the same in the list.
            listed = operators(interpreter) if delegates else []
            interpreter.allocate_tensors()
        except _REFUSALS as error:
            refusal = str(error).strip() or type(error).__name__
    if refusal:
        # Some refusals come with an empty message: the reason is on standard error only.
        reason = " ".join([refusal, *(line for line in native.text.splitlines() if not line.startswith("INFO"))])
        reason = " ".join(reason.split())[:300]  # some print the model's bytes
        if delegates:
            raise DelegateError(f"the delegate refuses {name} ({reason}); use --delegate cpu, or convert it otherwise")
        raise ModelFileError(f"{runtime} cannot run {name}: {reason}; convert the model again")
    return interpreter, listed


def operators(interpreter: Any) -> list[dict[str, Any]]:
    """The model's operators in order: op_name, inputs and outputs (tensor indices)."""
    details: list[dict[str, Any]] = interpreter._get_ops_details()  # neither runtime has a public way
    return details
