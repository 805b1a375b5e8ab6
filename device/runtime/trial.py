"""Load and run a model once in a child process, where a crash or a hang does no harm, and judge what came of it."""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgecnn.errors import DelegateError, EdgecnnError, ModelFileError
from edgecnn.model_file.container import read_model

from .delegates import Delegate
from .opening import open_session
from .run_options import RunOptions

if TYPE_CHECKING:
    import subprocess

TIMEOUT_S = 60


@dataclass(frozen=True)
class _Blame:
    """Whose fault it is that a child fails, and the sentences that say so.

    Attributes:
        error: what is raised.
        hangs: where the child gave no result in time.
        crashes: where a signal ended it; takes what that is called.
        silent: where it failed without a reason.
        vanishes: where it ended as if all were well, before it had run the model: a library can end its process.
    """

    error: type[EdgecnnError]
    hangs: str
    crashes: Callable[[str | None], str]
    silent: str
    vanishes: str


def try_model(path: Path, options: RunOptions) -> None:
    """Load and run a model from elsewhere: runtimes crash on damaged ones.

    Raises:
        ModelFileError: what went wrong, in words.
        DelegateError: no process can be started.
    """
    # As it will be run here; a delegate of its own is tried afterwards.
    delegate = options.delegate if options.delegate and options.delegate.is_built_in else None
    blame = _Blame(
        ModelFileError,
        f"{path} hung the runtime for {TIMEOUT_S} s; it is damaged",
        lambda death: f"{path} crashes the runtime ({death}); it is damaged",
        f"{path} cannot be opened",
        f"{path} ends the runtime's process without a result; it is damaged",
    )
    _try(path, replace(options, delegate=delegate), blame)


def try_delegate(path: Path, delegate: Delegate, options: RunOptions) -> None:
    """Load and run a model with a delegate that is not built into the runtime.

    A CompiledModel is not: on a Pi 4, LiteRT 2.3 ends in an illegal instruction.

    Raises:
        DelegateError: what went wrong, in words.
    """
    advice = "it must be of the version that the runtime was built with, use --delegate cpu until it is"
    if delegate.is_compiled:
        advice = "LiteRT's CompiledModel does not run on this processor, use --delegate cpu"
    blame = _Blame(
        DelegateError,
        f"{delegate.name} hangs: it gave no result within {TIMEOUT_S} s; unplug the accelerator and plug it in again, "
        "or use --delegate cpu",
        lambda death: f"{delegate.name} crashes ({death}); {advice}",
        f"{delegate.name} fails without a reason",
        f"{delegate.name} ends its process without a result; {advice}",
    )
    _try(path, options, blame)


def _try(path: Path, options: RunOptions, blame: _Blame) -> None:
    token = os.urandom(8).hex()  # which no library knows by heart
    result = _run_child(path, _to_json(options, token))
    if result is None:
        raise blame.error(blame.hangs)
    if result.returncode < 0:
        raise blame.error(blame.crashes(signal.strsignal(-result.returncode)))
    if result.returncode:
        raise blame.error((result.stdout.strip().splitlines() or [blame.silent])[-1])
    if token not in result.stdout:
        raise blame.error(blame.vanishes)


def _run_child(path: Path, options_json: str) -> "subprocess.CompletedProcess[str] | None":
    """What the child did; None where it took too long.

    Raises:
        DelegateError: no process can be started.
    """
    own_path = [entry for entry in sys.path if entry]
    program = Path(__file__).with_name("child.py")
    command = [sys.executable, "-I", str(program), str(path.absolute()), options_json, *own_path]
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise DelegateError(f"no process can be started to try {path} in ({error}); free some memory") from None


def _to_json(options: RunOptions, token: str) -> str:
    delegate = options.delegate and (options.delegate.name, options.delegate.options)
    return json.dumps([delegate, options.threads, options.kernels, options.runtime, token])


def _from_json(text: str) -> tuple[RunOptions, str]:
    delegate, threads, kernels, runtime, token = json.loads(text)
    made = Delegate(delegate[0], tuple((key, value) for key, value in delegate[1])) if delegate else None
    return RunOptions(threads, kernels, made, runtime), token


def run_in_child(path: str, options_json: str) -> int:
    """0, with the token on standard output, if the model at `path` runs; 1, with a sentence there, if it is refused."""
    options, token = _from_json(options_json)
    delegate = options.delegate
    try:
        session = open_session(read_model(path), options)
        session.run(np.zeros(session.input.shape, session.input.dtype))
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
    print(token)
    return 0
