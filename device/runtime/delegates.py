"""The only file that knows delegates: what was asked for, what was applied, and what went wrong in words."""

import json
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from edgecnn.errors import DelegateError, InputError
from edgecnn.native_output import captured_stderr

from .runtimes import Kernels, Runtime

if TYPE_CHECKING:
    import subprocess

Requirement = Literal["any", "full"]
# Names of delegates that are part of a runtime, or whose library has a fixed name.
BUILT_IN = ("cpu", "xnnpack")
COMPILED = ("gpu", "npu")  # through LiteRT's CompiledModel
WITHOUT_OPTIONS = (*BUILT_IN, "gpu")
LIBRARIES = {"edgetpu": "libedgetpu.so.1"}
_INSTALL = {
    "edgetpu": "install libedgetpu1-std of the version that the runtime was built with, and plug the accelerator in",
}
TIMEOUT_S = 60


@dataclass(frozen=True)
class Delegate:
    """What is to compute a model, instead of the runtime's own choice.

    Attributes:
        name: `cpu` (the built-in kernels alone), `xnnpack` (what a runtime does unless told otherwise), `edgetpu`,
            `gpu` or `npu` (LiteRT's CompiledModel), or the path of an external delegate library.
        options: key and value pairs for a library.
        require: `any` makes it an error if nothing was delegated, `full` if anything was not.
        fallback: go on with the CPU where it does not load or run, and warn.
    """

    name: str
    options: tuple[tuple[str, str], ...] = ()
    require: Requirement | None = None
    fallback: bool = False

    def __post_init__(self) -> None:
        pairs = isinstance(self.options, tuple) and all(isinstance(pair, tuple) for pair in self.options)
        if not isinstance(self.name, str) or not pairs:
            raise InputError(
                f"a delegate has a name and a tuple of (key, value). Received: {self.name!r}, {self.options!r}"
            )
        known = (*BUILT_IN, *LIBRARIES, *COMPILED)
        if not self.name or (self.name not in known and not _is_path(self.name)):
            raise InputError(
                f"unknown delegate {self.name!r}; known: {', '.join(known)}, or the path of a delegate library"
            )
        if self.options and self.name in WITHOUT_OPTIONS:
            raise InputError(f"the delegate {self.name} takes no options. Received: {self.options[0][0]}")
        if self.require is not None and self.require not in get_args(Requirement):
            raise InputError(f"require must be any or full. Received: {self.require!r}")
        if self.require and self.name == "cpu":
            raise InputError("the delegate cpu is none: nothing can be required of it")

    @property
    def is_compiled(self) -> bool:
        """Whether it is behind LiteRT's CompiledModel, not an interpreter."""
        return self.name in COMPILED

    @property
    def library(self) -> str | None:
        """The library to load; None for what is built in."""
        if self.name in BUILT_IN or self.name in COMPILED:
            return None
        if self.name not in LIBRARIES and Path(self.name).is_file():
            return str(Path(self.name).absolute())  # the system would look for a bare name in its own folders only
        return LIBRARIES.get(self.name, self.name)

    @property
    def kernels(self) -> Kernels:
        """What computes that which no library takes."""
        return "plain" if self.name == "cpu" else "default"


def _is_path(name: str) -> bool:
    return os.sep in name or Path(name).suffix in (".so", ".dylib", ".dll") or ".so." in name


@dataclass(frozen=True)
class Placement:
    """Where a model's operators run.

    Attributes:
        delegate: what was asked for.
        operators: how many the model has.
        partitions: for each call of the delegate, the names of the operators it computes.
        on_cpu: names of those that stay with the runtime's own kernels, in order.
    """

    delegate: str
    operators: int
    partitions: tuple[tuple[str, ...], ...]
    on_cpu: tuple[str, ...]

    @property
    def delegated(self) -> int:
        """How many operators the delegate computes."""
        return sum(len(partition) for partition in self.partitions)

    def __str__(self) -> str:
        parts = "1 partition" if len(self.partitions) == 1 else f"{len(self.partitions)} partitions"
        words = f"{self.delegate} computes {self.delegated} of {self.operators} operators in {parts}"
        return f"{words}; on the CPU: {', '.join(self.on_cpu)}" if self.on_cpu else words


def placement(listed: Sequence[dict[str, Any]], delegate: str) -> Placement:
    """Which operators a delegate took.

    Args:
        listed: what a runtime lists: the model's operators, and then one DELEGATE for each partition, with the tensors
            that go in and come out; what lies between them is what it computes.
    """
    own = [operator for operator in listed if operator["op_name"] != "DELEGATE"]
    producers = {int(tensor): operator for operator in own for tensor in operator["outputs"]}
    partitions: list[tuple[str, ...]] = []
    taken: set[int] = set()
    for call in (operator for operator in listed if operator["op_name"] == "DELEGATE"):
        given, pending, inside = {int(tensor) for tensor in call["inputs"]}, [int(t) for t in call["outputs"]], set()
        while pending:
            tensor = pending.pop()
            producer = producers.get(tensor)
            if tensor in given or producer is None or producer["index"] in inside:
                continue
            inside.add(producer["index"])
            pending += [int(index) for index in producer["inputs"]]
        partitions.append(tuple(operator["op_name"] for operator in own if operator["index"] in inside))
        taken |= inside
    left = tuple(operator["op_name"] for operator in own if operator["index"] not in taken)
    return Placement(delegate, len(own), tuple(partitions), left)


def check(found: Placement, require: Requirement | None) -> str:
    """A note where nothing was delegated; empty where something was.

    Raises:
        DelegateError: less was delegated than is required.
    """
    words = f"{found.delegate} computes none of the {found.operators} operators: all of them run on the CPU"
    if require and not found.delegated:
        raise DelegateError(f"{words}; convert the model as the accelerator needs it (edgecnn convert --target)")
    if require == "full" and found.on_cpu:
        raise DelegateError(
            f"{found}; --require-delegate=full allows none there, use --require-delegate, or change these layers"
        )
    return "" if found.delegated else words


def load(runtime: Runtime, delegate: Delegate) -> list[Any]:
    """The loaded library in a list for an interpreter; empty for what is built in.

    Raises:
        DelegateError: it is missing, no delegate, or refuses to start.
    """
    if delegate.library is None:
        return []
    try:
        with captured_stderr(and_stdout=True):  # results alone stand on standard output
            return [runtime.module.load_delegate(delegate.library, dict(delegate.options))]
    except OSError as error:
        raise DelegateError(_why_not_loaded(delegate, error)) from None
    except AttributeError:
        raise DelegateError(
            f"{delegate.library} is a library, but no TFLite delegate (it has no tflite_plugin_create_delegate); give "
            "an external delegate"
        ) from None
    except ValueError as error:
        reason = " ".join(str(error).split()) or "no reason given"
        raise DelegateError(
            f"{delegate.name} does not start ({reason}); check its options and that the accelerator is plugged in"
        ) from None


def _why_not_loaded(delegate: Delegate, error: OSError) -> str:
    path = str(delegate.library)
    if os.sep in path and not Path(path).is_file():
        return f"no delegate library at {path}; check the path"
    if delegate.name in _INSTALL:
        return f"the delegate {delegate.name} needs {path} ({error}); {_INSTALL[delegate.name]}"
    return f"{path} cannot be loaded ({error}); give the path of a library for this processor and system"


def try_in_child(path: Path, delegate: Delegate, runtime: str | None, threads: int) -> None:
    """Load and run a model with a delegate in a child process, where a crash or a hang does no harm.

    Not for those that an interpreter has built in. A CompiledModel is none: on a Pi 4, LiteRT 2.3 ends in an illegal
    instruction.

    Raises:
        DelegateError: what went wrong there, in words.
    """
    result = run_child(path, (delegate.name, delegate.options, runtime, threads), TIMEOUT_S)
    if result is None:
        raise DelegateError(
            f"{delegate.name} hangs: it gave no result within {TIMEOUT_S} s; unplug the accelerator and plug it in "
            "again, or use --delegate cpu"
        )
    if result.returncode < 0:
        advice = "it must be of the version that the runtime was built with, use --delegate cpu until it is"
        if delegate.is_compiled:
            advice = "LiteRT's CompiledModel does not run on this processor, use --delegate cpu"
        raise DelegateError(f"{delegate.name} crashes ({signal.strsignal(-result.returncode)}); {advice}")
    if result.returncode:
        reason = result.stdout.strip().splitlines() or [f"{delegate.name} fails without a reason"]
        raise DelegateError(reason[-1])


def run_child(
    path: Path, asked: tuple[str | None, Sequence[tuple[str, str]], str | None, int], timeout_s: float
) -> "subprocess.CompletedProcess[str] | None":
    """Run `edgecnn.device.runtime.trial` in a process of its own; None where it took too long.

    Args:
        asked: a delegate's name or None, and its options; a runtime's name or None; threads.

    Raises:
        DelegateError: no process can be started.
    """
    # -I and a path of our own: a module that lies in the current folder must not run.
    code = "\n".join(
        (
            "import sys",
            "sys.path[:] = sys.argv[3:]",
            "from edgecnn.device.runtime.trial import main",
            "sys.exit(main(*sys.argv[1:3]))",
        )
    )
    own_path: Sequence[str] = [entry for entry in sys.path if entry]
    command = [sys.executable, "-I", "-c", code, str(path.absolute()), json.dumps(asked), *own_path]
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise DelegateError(f"no process can be started to try {path} in ({error}); free some memory") from None
