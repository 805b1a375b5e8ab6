"""Watches over a command that loads a library into its own process: the library may end that, and call it success."""

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

_may_fork = False
_is_own = False
_report_to: int | None = None
_done = b""  # what a report begins with, and nobody else knows
_PATIENCE_S = 0.2


def allow() -> None:
    """Say that this process is the command line's own, and not that of a program which calls it."""
    global _may_fork, _is_own
    _may_fork, _is_own = hasattr(os, "fork"), True


def is_own_process() -> bool:
    """Whether this process is the command line's own."""
    return _is_own


def watch_over(name: str) -> None:
    """Go on in a child process, whose end this one judges; to be called before anything has threads.

    Only what the child reports counts, never its exit code.

    Args:
        name: of the library.
    """
    global _may_fork, _report_to, _done
    if not _may_fork:
        return
    _may_fork = False
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    _done = os.urandom(16)
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os._exit(_judge(child, reading, name))
    os.close(reading)
    _die_with_parent()
    _hear_one_press()
    _report_to = writing
    from edgecnn.native_output import drop_native_output

    drop_native_output()  # its threads may speak at any time


def report(exit_code: int) -> None:
    """Tell the process that watches over this one that the command is done; without one, nothing."""
    if _report_to is not None:
        os.write(_report_to, _done + f"{exit_code};".encode())


def _judge(child: int, reading: int, name: str) -> int:
    """Wait for the child; its exit code, or 1 with a sentence if it did not come to its end."""
    import signal  # a command that needs no guard need not wait for it

    signal.signal(signal.SIGINT, _second_one_ends(child))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: _send(child, number))
    _adopt_orphans()
    said, status = _listen(child, reading)
    _end_orphans()
    if said is not None:
        return said
    code = os.waitstatus_to_exitcode(status)
    how = f"by the signal {signal.strsignal(-code)}" if code < 0 else f"with exit code {code}"
    sentence = (
        f"Error: the process ended {how} before it was done, with {name} in it; use --isolate, or --delegate cpu\n"
    )
    os.write(2, sentence.encode(errors="backslashreplace"))
    return 1


def _second_one_ends(child: int) -> Callable[[int, Any], object]:
    """What Ctrl-C does here: it is sent on, for a terminal alone sends it to both; a child that hangs is killed."""
    import signal

    from .stopping import once_a_press

    presses = [signal.SIGINT]

    def press(_number: int, _frame: Any) -> None:
        _send(child, presses.pop() if presses else signal.SIGKILL)

    return once_a_press(press)


def _send(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has just come to its end
        os.kill(child, number)


def _hear_one_press() -> None:
    """Have Ctrl-C end this process once: a terminal sends it here too, and so does the one that watches over it."""
    import signal

    from .stopping import once_a_press

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, once_a_press(signal.default_int_handler))


def _listen(child: int, reading: int) -> tuple[int | None, int]:
    """The exit code that the child reports, None if it does not, and the status with which it ended.

    What else is written there is the library's. Copies that it makes of the process may hold the other end for ever.
    """
    import re
    import select

    report, heard, status = re.compile(re.escape(_done) + rb"(\d+);"), b"", None
    while status is None and not report.search(heard):
        ended, found = os.waitpid(child, os.WNOHANG)
        status = found if ended else None
        while select.select([reading], [], [], 0 if ended else _PATIENCE_S)[0]:
            more = os.read(reading, 1 << 16)
            heard = heard[-len(_done) - 8 :] + more
            if not more or report.search(heard):
                break
    said = report.search(heard)
    return int(said[1]) if said else None, os.waitpid(child, 0)[1] if status is None else status


def _adopt_orphans() -> None:
    """Have what the child leaves behind become children of this process, where the system can do that."""
    _prctl(36, 1)  # PR_SET_CHILD_SUBREAPER


def _end_orphans() -> None:
    """End the copies of itself that the child has left: they hold its standard output, whose reader waits for them."""
    from edgecnn.process_copies import children_of_thread, end_copies

    end_copies(children_of_thread())


def _die_with_parent() -> None:
    """Have the system end this process with the one that watches over it, where it can."""
    import signal

    _prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _prctl(option: int, value: int) -> None:
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(option, value)
