"""Run command lines of edgecnn, given as JSON, as if Python were that of Windows: without what it lacks there.

What is not there raises when it is used, wherever it is used: no symbolic links, no fork, no process groups, no
modules of POSIX, no /proc and no /sys.
"""

import ctypes
import importlib
import importlib.abc
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty")
NAMES: dict[ModuleType, tuple[str, ...]] = {
    os: (
        "chown", "fchmod", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg", "mkfifo",
        "nice", "register_at_fork", "sched_getaffinity", "sched_setaffinity", "setsid", "sysconf", "waitid",
    ),
    select: ("epoll", "poll"),
    signal: ("SIGALRM", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm", "pthread_sigmask", "setitimer"),
}  # fmt: skip


class _Absent(importlib.abc.MetaPathFinder):
    """Finds none of the modules that are not there."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Python asks here first."""
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _no_link(*_: Any, **__: Any) -> None:
    raise OSError(1314, "A required privilege is not held by the client")


class _NamedLibrary(ctypes.CDLL):
    """There is no library without a name, such as this process itself is elsewhere."""

    def __init__(self, name: str | None, *arguments: Any, **named: Any) -> None:
        if name is None:
            raise TypeError("argument of type 'NoneType' is not iterable")
        super().__init__(name, *arguments, **named)


def _terminate(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        os.kill(process.pid, 9)


def _hide_files(event: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0] if event == "open" and arguments else None
    if isinstance(path, str | bytes) and os.fsdecode(path).startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(2, "No such file or directory", path)


def take_away() -> None:
    """From now on it is not there."""
    importlib.import_module("asyncio")  # its half for this system, which in Python 3.13 asks os.sysconf at once
    setattr(subprocess.Popen, "kill", _terminate)  # noqa: B010 - its type is of any text
    sys.meta_path.insert(0, _Absent())
    for name in MODULES:
        sys.modules.pop(name, None)
    for module, names in NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    os.symlink = os.link = _no_link
    setattr(ctypes, "CDLL", _NamedLibrary)  # noqa: B010 - its type is of itself alone
    sys.addaudithook(_hide_files)


if __name__ == "__main__":
    take_away()
    from edgecnn.cli import guard, main

    guard.allow()
    for arguments in json.loads(sys.argv[1]):
        try:
            main(arguments, prog_name="edgecnn")
        except SystemExit as end:
            print("exit code", end.code)
