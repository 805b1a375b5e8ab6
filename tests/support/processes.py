"""Processes that tests start."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .waiting import PATIENCE


def in_a_fork(work: Callable[[], bool]) -> int:
    """Exit status of a forked child, 0 if `work` says so; it ends at once, without exit handlers and finalizers."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)  # a child that waits for ever fails
        status = 1
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def below(process: int) -> list[int]:
    """All that a process started, and what that started."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [one for child in map(int, children) for one in (child, *below(child))]


@contextlib.contextmanager
def in_time(process: "subprocess.Popen[Any]") -> Iterator[None]:
    """Kill a process that goes on for much longer than it should: who reads what it says comes to an end."""
    timer = threading.Timer(3 * PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        process.kill()


def running_with(argument: str) -> list[Path]:
    """Processes that have that on their command line."""
    found = []
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [one] if argument.encode() in one.read_bytes() else []
    return found
