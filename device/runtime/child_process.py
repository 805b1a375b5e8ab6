"""Child processes in which a crash or a hang of a model does no harm: how they start, and what their end means."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.errors import DelegateError, EdgecnnError, ModelFileError
from edgecnn.printable import printable

from .delegates import Delegate
from .run_options import RunOptions

if TYPE_CHECKING:
    import socket
    import subprocess

# A run may take as many times the longest one so far; a board that swaps is slow, but does not hang.
PATIENCE = 50
CHILD = Path(__file__).with_name("child.py")
_MEMORY = "as the system does where memory runs out"


@dataclass(frozen=True)
class Blame:
    """Whose fault it is that a child fails, and the sentences that say so.

    Attributes:
        error: what is raised.
        hangs: where the child gave no result in time; takes the seconds that it had.
        crashes: where a signal ended it; takes what that is called.
        killed: where that signal was one that no process sends itself.
        silent: where it failed without a reason.
        vanishes: where it ended as if all were well, before it had run the model: a library can end its process.
        garbles: where something else came in the place of an answer: a library can write to any descriptor.
    """

    error: type[EdgecnnError]
    hangs: Callable[[float], str]
    crashes: Callable[[str | None], str]
    killed: str
    silent: str
    vanishes: str
    garbles: str

    def why_ended(self, returncode: int | None, seconds: float) -> str:
        """What the end of a child says that gave no result; None is one that had to be ended after `seconds`."""
        if returncode is None:
            return self.hangs(seconds)
        if returncode >= 0:
            return self.vanishes
        return self.killed if -returncode == signal.SIGKILL else self.crashes(signal.strsignal(-returncode))


def blame_model(path: Path) -> Blame:
    """For a model from elsewhere."""
    return Blame(
        ModelFileError,
        lambda seconds: (
            f"{path} hung the runtime for {seconds:g} s; it is damaged, or this processor needs that long for an "
            "image: if you made it yourself, classify, explain, features, live, pack and verify open it untried with "
            "--trust"
        ),
        lambda death: f"{path} crashes the runtime ({death}); it is damaged",
        f"the process that tried {path} was killed, {_MEMORY}; free some, and try again",
        f"{path} cannot be opened",
        f"{path} ends the runtime's process without a result; it is damaged",
        f"{path} has the runtime write where only answers belong; it is damaged",
    )


def blame_delegate(delegate: Delegate) -> Blame:
    """For a delegate that is not built into the runtime.

    A CompiledModel is not: on a Pi 4, LiteRT 2.3 ends in an illegal instruction.
    """
    advice = "it must be of the version that the runtime was built with, use --delegate cpu until it is"
    if delegate.is_compiled:
        advice = "LiteRT's CompiledModel does not run on this processor, use --delegate cpu"
    return Blame(
        DelegateError,
        lambda seconds: (
            f"{delegate.name} hangs: it gave no result within {_spelt(seconds)} s; unplug the accelerator and plug it "
            "in again, give it longer to load a model with --delegate-timeout, or use --delegate cpu"
        ),
        lambda death: f"{delegate.name} crashes ({death}); {advice}",
        f"the process of {delegate.name} was killed, {_MEMORY}; free some, or use --delegate cpu",
        f"{delegate.name} fails without a reason; {advice}",
        f"{delegate.name} ends its process without a result; {advice}",
        f"{delegate.name} writes to descriptors that are not its own, where only answers belong; {advice}",
    )


def _spelt(seconds: float) -> str:
    return f"{seconds:.2g}" if seconds < 10 else f"{seconds:.0f}"


def child_command(program: Path, *arguments: str) -> list[str]:
    """The command that starts a program of ours, such as `CHILD`, with arguments and this process' `sys.path`."""
    return [sys.executable, "-I", str(program), *arguments, *(entry for entry in sys.path if entry)]


def start_with_socket(
    command: Sequence[str], theirs: "socket.socket", name: str, folder: str | None = None, *, is_heard: bool = False
) -> "subprocess.Popen[bytes]":
    """Start a process that has a session of its own and inherits a socket.

    Args:
        command: of `child_command`.
        theirs: the socket; its descriptor has the same number there.
        name: of the model that it is to run, for the message.
        folder: its working folder; None for this process'.
        is_heard: whether its standard error is a pipe; else nobody sees what it writes.

    Raises:
        DelegateError: it cannot be started.
    """
    import subprocess

    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if is_heard else subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            cwd=folder,
            start_new_session=True,  # an interrupt from the terminal is for the parent, which ends this one
        )
    except OSError as error:
        raise DelegateError(f"no process can be started to run {name} in ({error}); free some memory") from None


def end_with_its_own(process: "subprocess.Popen[bytes]") -> None:
    """End a child that has a session of its own, and what a library has started in that."""
    if hasattr(os, "killpg"):  # Windows knows no groups of processes
        with contextlib.suppress(OSError):  # nothing of it is left
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def options_to_json(options: RunOptions) -> str:
    """What a child needs to know to run a model as `options` say."""
    asked = options.delegate
    delegate = asked and (asked.name, asked.options, asked.fallback, asked.audit, asked.timeout_s)
    return json.dumps([delegate, options.threads, options.kernels, options.runtime])


def options_from_json(text: str) -> RunOptions:
    """The inverse of `options_to_json`; the child runs the delegate itself."""
    delegate, threads, kernels, runtime = json.loads(text)
    made = None
    if delegate:
        name, pairs, fallback, audit, timeout_s = delegate
        made = Delegate(name, tuple(map(tuple, pairs)), None, fallback, isolate=False, audit=audit, timeout_s=timeout_s)
    return RunOptions(threads, kernels, made, runtime)


def why_not_run(error: BaseException, delegate: Delegate | None, name: str) -> str:
    """A sentence for what a runtime raises while it computes the model `name`."""
    reason = printable(" ".join(str(error).split())) or type(error).__name__
    if delegate is None or delegate.is_built_in:
        return f"{name} does not run ({reason}); it is damaged, convert the model again"
    return f"{delegate.name} fails to compute ({reason}); use --delegate cpu"
