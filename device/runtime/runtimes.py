"""The runtimes, one row each (LiteRT, tflite-runtime where that has no wheel, TensorFlow's), and how one is opened."""

import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, NamedTuple

from edgecnn.errors import DelegateError, EdgecnnWarning, InputError, ModelFileError
from edgecnn.native_output import captured_stderr
from edgecnn.printable import printable

Kernels = Literal["default", "reference", "plain"]
# What interpreters raise on a model that they refuse.
REFUSALS = (ValueError, RuntimeError, SystemError, TypeError)


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

    @property
    def loaded_version(self) -> str:
        """What the loaded package calls its version, which takes no time to find; else `version`."""
        package = sys.modules.get(self.module.__name__.partition(".")[0])
        return str(getattr(package, "__version__", None) or self.version)

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class RuntimePackage(NamedTuple):
    """A runtime that may be installed.

    Attributes:
        package: its name for pip.
        module: that of its interpreter; it is there if the package that this begins with is.
        install: the line that installs it.
        numpy_below: the first major version of NumPy that it does not work with; None where all do.
        warning: what is said where it is taken though nobody insisted on it; the line of the first one follows.
    """

    package: str
    module: str
    install: str
    numpy_below: int | None = None
    warning: str = ""


# In the order in which they are taken.
RUNTIMES = {
    "litert": RuntimePackage(
        "ai-edge-litert", "ai_edge_litert.interpreter", "pip install ai-edge-litert (there is none for 32-bit systems)"
    ),
    "tflite-runtime": RuntimePackage(
        "tflite-runtime", "tflite_runtime.interpreter", 'pip install tflite-runtime "numpy<2"', numpy_below=2
    ),
    "tensorflow": RuntimePackage(
        "tensorflow",
        "tensorflow.lite.python.interpreter",
        "pip install tensorflow",
        warning="running on TensorFlow's own interpreter, which takes seconds to start",
    ),
}
INSTALL_ONE = (
    f"pip install {RUNTIMES['litert'].package} (on 32-bit Raspberry Pi OS: {RUNTIMES['tflite-runtime'].install})"
)


def is_installed(name: str) -> bool:
    """Whether a runtime of `RUNTIMES` is there; it is not imported."""
    return importlib.util.find_spec(RUNTIMES[name].module.partition(".")[0]) is not None


def refuse_numpy(name: str, numpy_version: str) -> str:
    """Why the runtime `name` does not work with this NumPy, and the line that mends it; empty where it does."""
    below = RUNTIMES[name].numpy_below
    if below is None or int(numpy_version.partition(".")[0]) < below:
        return ""
    return f'{name} needs numpy below {below}, here is {numpy_version}: pip install "numpy<{below}"'


def find_runtime(name: str | None = None) -> Runtime:
    """The runtime that is installed here: LiteRT before tflite-runtime before TensorFlow's interpreter.

    Args:
        name: insist on one of `RUNTIMES`.

    Raises:
        DelegateError: none is installed, or numpy is too new for it; the message has the pip line.
        InputError: there is no runtime of that name.
    """
    import numpy as np  # `--help` reads the rows above without it

    if name is not None and name not in RUNTIMES:
        raise InputError(f"unknown runtime {name!r}; known: {', '.join(RUNTIMES)}")
    if name is not None and not is_installed(name):
        raise DelegateError(f"the runtime {name} is not installed: {RUNTIMES[name].install}")
    chosen = name or next((candidate for candidate in RUNTIMES if is_installed(candidate)), None)
    if chosen is None:
        raise DelegateError(f"no TFLite runtime is installed: {INSTALL_ONE}")
    row = RUNTIMES[chosen]
    refusal = refuse_numpy(chosen, np.__version__)
    if refusal:
        raise DelegateError(refusal)
    if row.warning and name is None:
        best = next(iter(RUNTIMES.values()))
        warnings.warn(f"{row.warning}: {best.install}", EdgecnnWarning, stacklevel=2)
    return _load_runtime(row)


def _load_runtime(row: RuntimePackage) -> Runtime:
    if row.package == "tensorflow":  # which reads it when it is imported
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with captured_stderr():  # TensorFlow speaks while it is imported
            return Runtime(row.package, importlib.import_module(row.module))
    except Exception as error:  # packages raise what they like while they are loaded
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise DelegateError(f"{row.package} is installed but does not load ({reason}); reinstall it with pip") from None


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
        runtime: an installed one.
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
        except REFUSALS as error:
            refusal = str(error).strip() or type(error).__name__
    if refusal:
        # Some refusals come with an empty message: the reason is on standard error only.
        reason = " ".join([refusal, *(line for line in native.text.splitlines() if not line.startswith("INFO"))])
        reason = printable(" ".join(reason.split())[:300])  # some print the model's bytes
        if delegates:
            raise DelegateError(f"the delegate refuses {name} ({reason}); use --delegate cpu, or convert it otherwise")
        raise ModelFileError(f"{runtime} cannot run {name}: {reason}; convert the model again, or with another scheme")
    return interpreter, listed


def operators(interpreter: Any) -> list[dict[str, Any]]:
    """The model's operators in order: op_name, inputs and outputs (tensor indices)."""
    details: list[dict[str, Any]] = interpreter._get_ops_details()  # neither runtime has a public way
    return details
