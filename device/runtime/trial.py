"""Load and run a model once in a child process, where a crash or a hang does no harm, and judge what came of it."""

import contextlib
import json
import os
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from edgecnn.errors import DelegateError, EdgecnnWarning
from edgecnn.model_file.container import PackedModel, sha256
from edgecnn.native_output import scratch_file
from edgecnn.printable import printable
from edgecnn.user_cache import is_known, remember

from .accelerators import TIMEOUT_S
from .child_process import (
    CHILD,
    Blame,
    blame_delegate,
    blame_model,
    child_command,
    end_with_its_own,
    options_from_json,
    options_to_json,
)
from .delegates import Delegate
from .run_options import RunOptions
from .runtimes import find_runtime

_MOST_BYTES = 1 << 16  # of the last words of a child
_MOST_STEPS = 30  # that take a minute: a file has up to 24 probes where edgecnn made it


@dataclass(frozen=True)
class Task:
    """What a child is told on its command line.

    Attributes:
        options: how the model is to run.
        judged: whether its golden probes must have the right answers.
        token: what it says in the end, which no library knows by heart.
        content: SHA-256 of the flatbuffer that the parent read; empty where it did not look.
    """

    options: RunOptions
    judged: bool
    token: str
    content: str = ""

    @property
    def step(self) -> str:
        """What it says after each run of the model, with the run's number: a slow processor does not hang."""
        return f"{self.token[:8]} has run"

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps([options_to_json(self.options), self.judged, self.token, self.content])

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """What `to_json` wrote."""
        options_json, judged, token, content = json.loads(text)
        return cls(options_from_json(options_json), judged, token, content)


def try_once(packed: PackedModel, path: Path, options: RunOptions, judged: bool) -> None:
    """`try_model`, but not for a file that ran here before: with this version of the runtime, its user and processor.

    Args:
        packed: what was read at `path`.
        path: of the file.
        options: how it is to run.
        judged: its golden probes must have the right answers too.
    """
    runs, answers = _facts(packed, options)
    if not is_known(*(answers if judged else runs)):
        try_model(path, options, judged, packed.flatbuffer_sha256)
        remember(*runs)
        if judged:
            remember(*answers)


def vouch_for(packed: PackedModel, options: RunOptions) -> None:
    """Spare a file the child process: it ran in this one, and its probes have the answers that it gave."""
    for facts in _facts(packed, options):
        remember(*facts)


def _facts(packed: PackedModel, options: RunOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is remembered of a file that runs, and of one whose probes have the right answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EdgecnnWarning)  # said when it is opened
        runtime = find_runtime(options.runtime)
    kernels = options.delegate.name if options.delegate and options.delegate.is_built_in else options.kernels
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    runs = ("runs", packed.flatbuffer_sha256, runtime.name, runtime.loaded_version, kernels, machine)
    return runs, (*runs, "answers", sha256(packed.golden or b""))


def try_model(path: Path, options: RunOptions, judged: bool = False, content: str = "") -> None:
    """Load and run a model from elsewhere: runtimes crash on damaged ones.

    Args:
        path: of the file.
        options: how it is to run.
        judged: its golden probes must have the right answers too.
        content: SHA-256 of the flatbuffer that is meant: nobody may exchange the file meanwhile.

    Raises:
        ModelFileError: what went wrong, in words.
        DelegateError: no process can be started.
    """
    # As it will be run here; a delegate of its own is tried afterwards.
    delegate = options.delegate if options.delegate and options.delegate.is_built_in else None
    task = Task(replace(options, delegate=delegate), judged, _token(), content)
    _try(path, task, blame_model(path), TIMEOUT_S)


def try_delegate(path: Path, delegate: Delegate, options: RunOptions) -> None:
    """Load and run a model with a delegate that is not built into the runtime.

    Raises:
        DelegateError: what went wrong, in words.
    """
    _try(path, Task(options, False, _token()), blame_delegate(delegate), delegate.timeout_s)


def _token() -> str:
    return os.urandom(8).hex()


def _try(path: Path, task: Task, blame: Blame, timeout_s: float) -> None:
    returncode, said = _run_child(path, task, timeout_s)
    if returncode is None:
        raise blame.error(blame.hangs(timeout_s))
    if returncode > 0:
        reasons = [line for line in said.splitlines() if line.strip() and not line.startswith(task.step)]
        raise blame.error(printable((reasons or [blame.silent])[-1].strip()))
    if returncode or task.token not in said:
        raise blame.error(blame.why_ended(returncode, timeout_s))


def _run_child(path: Path, task: Task, timeout_s: float) -> tuple[int | None, str]:
    """Exit code and last words of a child; without an exit code it took too long over one step.

    Its words go to a file: a pipe would be open as long as anything that a library has started.

    Raises:
        DelegateError: no process can be started.
    """
    import subprocess

    command, null = child_command(CHILD, "try", str(path.absolute()), task.to_json()), subprocess.DEVNULL
    with scratch_file() as words:
        try:
            process = subprocess.Popen(command, stdin=null, stdout=words, stderr=null, start_new_session=True)
        except OSError as error:
            raise DelegateError(f"no process can be started to try {path} in ({error}); free some memory") from None
        returncode, step = None, list[str]()
        try:
            for _ in range(_MOST_STEPS):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    returncode = process.wait(timeout_s)
                    break
                before, step = step, re.findall(rf"{task.step} \d+", _last_words(words))[-1:]
                if step == before:
                    break
        finally:
            end_with_its_own(process)
        return returncode, _last_words(words)


def _last_words(file: IO[bytes]) -> str:
    """The end of a file that a child may still be writing."""
    start = max(0, os.fstat(file.fileno()).st_size - _MOST_BYTES)
    if hasattr(os, "pread"):  # the place in the file is the child's too, and stays
        return os.pread(file.fileno(), _MOST_BYTES, start).decode(errors="replace")
    file.seek(start)
    return file.read().decode(errors="replace")
