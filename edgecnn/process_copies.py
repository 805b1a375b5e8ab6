"""Copies of this process that a library makes with fork.

Threads that hold locks are missing there, so that they wait for ever, and whoever reads what this process writes waits
with them.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterable
from pathlib import Path


def children_of_thread() -> set[int]:
    """Processes that the calling thread has made and nobody has waited for; none where the system does not tell."""
    try:
        return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))
    except OSError:
        return set()


def end_copies(processes: Iterable[int]) -> None:
    """End those children of this process that are copies of it; what runs a program of its own is left alone."""
    try:
        own = _command_line("thread-self")  # as that of any other process, where QEMU has words of its own for "self"
    except OSError:  # nobody knows which are copies
        return
    for process in processes:
        with contextlib.suppress(OSError):  # it has ended, and somebody has waited for it
            if os.waitpid(process, os.WNOHANG) == (0, 0) and _command_line(process) == own:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)


def _command_line(process: object) -> bytes:
    return Path(f"/proc/{process}/cmdline").read_bytes()
