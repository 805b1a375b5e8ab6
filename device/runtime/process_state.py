"""What belongs to the whole process, and a library that is loaded into it may change: put back, and told."""

import contextlib
import ctypes
import importlib
import locale
import os
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from edgecnn.errors import EdgecnnWarning
from edgecnn.native_output import captured_stderr, is_verbose
from edgecnn.process_copies import children_of_thread, end_copies

_MOST_COPIES = 8  # that live at a time: a library that makes one for each image makes thousands
_CLONE_FS = 0x200


def _own_library() -> Any:
    """What this process has loaded, the C library among it; None on Windows, where a library must have a name."""
    with contextlib.suppress(OSError, TypeError):
        return ctypes.CDLL(None)
    return None


fcntl: Any = None
with contextlib.suppress(ModuleNotFoundError):  # Windows has none
    fcntl = importlib.import_module("fcntl")
_unshare = getattr(_own_library(), "unshare", None) if sys.platform == "linux" else None


class _Part(NamedTuple):
    """A part of the process' state: how it is read, and set."""

    read: Callable[[], Any]
    write: Callable[[Any], object]


class ProcessState:
    """Keeps what a library in this process must not change.

    That is the working directory, umask, locale, rounding of floats, limits, handling of signals, user, priority,
    processors, and descriptors 0 to 2; what it writes to them is dropped. A copy that it makes of the process ends
    there, or is ended: the oldest where there are many, all with this object or this process. While the library
    computes, on Linux, working directory and umask are its thread's alone, so that what other threads read and write
    meanwhile lies where it should.
    """

    def __init__(self, name: str, *, is_worker: bool = False) -> None:
        """For one library.

        Args:
            name: of the library.
            is_worker: this process is for the library alone: what it does to descriptors and writes is its own affair.
        """
        self._name, self._is_worker, self._told = name, is_worker, set[str]()
        self._copies: list[int] = []
        weakref.finalize(self, _end_own, self._copies, os.getpid())

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Put back what has changed when the block ends, and warn of each part once."""
        own, children = os.getpid(), children_of_thread()
        _have_folder_alone()
        before = {what: part.read() for what, part in _PARTS.items()}
        # While 1 and 2 are captured they are put back anyway.
        standard = () if self._is_worker else (0, 1, 2) if is_verbose() else (0,)
        files = {descriptor: _identity(descriptor) for descriptor in standard}
        copies = {descriptor: os.dup(descriptor) for descriptor, identity in files.items() if identity}
        try:
            with contextlib.nullcontext() if self._is_worker else captured_stderr(and_stdout=True):
                yield
        finally:
            if os.getpid() != own:
                os._exit(0)  # a copy that the library made of this process: two would answer, and write files
            changed = [what for what, part in _PARTS.items() if part.read() != before[what]]
            lasting = [what for what in changed if not _put_back(_PARTS[what], before[what])]
            for descriptor, copy in copies.items():
                if _identity(descriptor) != files[descriptor]:
                    os.dup2(copy, descriptor)
                    _set_flags(descriptor, files[descriptor])
                    changed.append(f"descriptor {descriptor}")
                os.close(copy)
            self._note_copies(children_of_thread() - children)  # which it takes a descriptor to see
            self._tell(changed, lasting)

    def _note_copies(self, new: set[int]) -> None:
        """Remember what the library has made, and end the oldest where that is too much."""
        self._copies += sorted(new)
        old, self._copies[:] = self._copies[:-_MOST_COPIES], self._copies[-_MOST_COPIES:]
        end_copies(old)

    def _tell(self, changed: list[str], lasting: list[str]) -> None:
        new = [what for what in changed if what not in self._told]
        self._told.update(new)
        if new:
            left = f", but for the {', '.join(lasting)}, which nothing gives back to a process" if lasting else ""
            warnings.warn(
                f"{self._name} changed the {', '.join(new)} of the process: put back{left}",
                EdgecnnWarning,
                stacklevel=6,
            )


def _end_own(copies: list[int], process: int) -> None:
    if os.getpid() == process:  # a child has the list, but not the children
        end_copies(copies)


def _have_folder_alone() -> None:
    """Share working directory and umask with no other thread; those that this one has made since share it again."""
    if _unshare is not None:
        _unshare(_CLONE_FS)  # where a container forbids that, they are put back as everywhere


def _identity(descriptor: int) -> tuple[int, int, int] | None:
    """Where a descriptor leads, and its flags: a terminal that does not block any more loses what is printed."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return None
    return status.st_dev, status.st_ino, fcntl.fcntl(descriptor, fcntl.F_GETFL) if fcntl else 0


def _set_flags(descriptor: int, identity: tuple[int, int, int] | None) -> None:
    if fcntl and identity:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, identity[2])


def _put_back(part: _Part, value: Any) -> bool:
    """Make it what it was; whether the system allows that."""
    with contextlib.suppress(OSError, ValueError, TypeError, locale.Error):
        part.write(value)
    return bool(part.read() == value)


def _read_folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it has been removed
        return None


def _return_to(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _read_umask() -> int:
    mask = os.umask(0o077)  # there is no way to read it alone
    os.umask(mask)
    return mask


def _rounding() -> dict[str, _Part]:
    """How floats are rounded; nothing where the C library does not say."""
    library = _own_library()
    try:
        return {"rounding of floats": _Part(library.fegetround, library.fesetround)}
    except AttributeError:
        return {}


def _limits() -> dict[str, _Part]:
    """How much this process may have of what it needs; nothing where there are no limits, as on Windows."""
    try:
        import resource
    except ModuleNotFoundError:
        return {}

    def part(limit: int) -> _Part:
        return _Part(lambda: resource.getrlimit(limit), lambda limits: resource.setrlimit(limit, limits))

    return {
        "limit of address space": part(resource.RLIMIT_AS),
        "limit of data": part(resource.RLIMIT_DATA),
        "limit of processor time": part(resource.RLIMIT_CPU),
        "limit of file size": part(resource.RLIMIT_FSIZE),
        "limit of open files": part(resource.RLIMIT_NOFILE),
        "limit of processes": part(resource.RLIMIT_NPROC),
    }


def _standing() -> dict[str, _Part]:
    """In whose name this process acts, and how the system shares processors out to its thread; nothing on Windows."""
    standing = {}
    with contextlib.suppress(AttributeError):
        standing["user"] = _Part(os.geteuid, os.seteuid)
        standing["group"] = _Part(os.getegid, os.setegid)
    with contextlib.suppress(AttributeError):
        get, change, own = os.getpriority, os.setpriority, os.PRIO_PROCESS
        standing["priority"] = _Part(lambda: get(own, 0), lambda nice: change(own, 0, nice))
    with contextlib.suppress(AttributeError):  # macOS
        read, write = os.sched_getaffinity, os.sched_setaffinity
        standing["processors"] = _Part(lambda: read(0), lambda allowed: write(0, allowed))
    return standing


def _signals() -> dict[str, _Part]:
    """What this process and its thread do at signals; nothing on Windows.

    Otherwise Ctrl-C may not end it, a reader that goes away may, and a child that fails may count as a success.
    """
    try:
        change, mask = _own_library().sigaction, signal.pthread_sigmask
    except AttributeError:
        return {}
    kept = tuple(map(int, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD)))
    action = ctypes.create_string_buffer(256)  # a struct sigaction, which begins with the address of its handler
    address = ctypes.c_void_p.from_buffer(action)

    def handler(number: int) -> int | None:
        change(number, None, action)
        return address.value

    def read() -> tuple[int | None, ...]:
        if threading.current_thread() is not threading.main_thread():  # which may set others meanwhile
            return ()
        return tuple(map(handler, kept))

    def write(before: tuple[int | None, ...]) -> None:
        for number, was in zip(kept, before, strict=False):
            if handler(number) != was:
                signal.signal(number, signal.getsignal(number))

    return {
        "handling of signals": _Part(read, write),
        "blocked signals": _Part(lambda: mask(signal.SIG_BLOCK, ()), lambda blocked: mask(signal.SIG_SETMASK, blocked)),
    }


_PARTS = {
    **_standing(),  # first: only its own user may put back the rest
    "working directory": _Part(_read_folder, _return_to),
    "umask": _Part(_read_umask, os.umask),
    "locale": _Part(lambda: locale.setlocale(locale.LC_ALL), lambda name: locale.setlocale(locale.LC_ALL, name)),
    **_limits(),
    **_signals(),
    **_rounding(),
}
