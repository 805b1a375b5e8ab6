"""What becomes of loaded models in a child process that `os.fork` makes.

A runtime's worker threads do not exist in the child, and a lock may have been held by a thread that is not there: the
child would wait for ever, or crash when it takes the runtime down. So there each session is told that it is a copy.
"""

import os
import weakref
from typing import Protocol


class Forkable(Protocol):
    """Something that must know when it has become a copy."""

    def become_copy(self) -> None:
        """Called in the child, before anything else there runs."""
        ...


_living: "weakref.WeakSet[Forkable]" = weakref.WeakSet()


def tell_of_forks(session: Forkable) -> None:
    """Call `session.become_copy()` in every child process that is forked while it lives."""
    _living.add(session)


def never_release(thing: object) -> None:
    """Keep `thing` until the process ends, and then too: in a child, taking down the parent's threads crashes."""
    import ctypes  # a start need not wait for it

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def _tell_all() -> None:
    for session in list(_living):
        session.become_copy()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_tell_all)
