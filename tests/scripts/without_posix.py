"""Run command lines of edgecnn, given as JSON, as if Python were that of Windows: without what it lacks there.

What is not there raises when it is used, wherever it is used: no symbolic links, no fork, no process groups, no
modules of POSIX, no /proc and no /sys.
"""

import importlib.abc
import json
import os
import signal
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


def _hide_files(event: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0] if event == "open" and arguments else None
    if isinstance(path, str | bytes) and os.fsdecode(path).startswith(("/proc/", "/sys/")):
        raise FileNotFoundError(2, "No such file or directory", path)


def take_away() -> None:
    """From now on it is not there."""
    sys.meta_path.insert(0, _Absent())
    for name in MODULES:
        sys.modules.pop(name, None)
    for module, names in NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    os.symlink = os.link = _no_link
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
