"""Locks of files, which the system forgets when their holder ends, in whatever way."""

import contextlib
import os
import time
from pathlib import Path

from .errors import OutputError

_READ = "read"  # how a lock begins that many may hold


def lock_file(lock: Path, path: Path, *, shared: bool = False) -> int:
    """A descriptor of the file `lock` that nobody else holds, or only those who share it.

    Args:
        lock: is made where it is not there.
        path: the file that it is for, to be named.
        shared: whether others may hold it too who share it.

    Raises:
        OutputError: another process holds it.
        ModuleNotFoundError: it is to be shared, and the system has no such locks.
        OSError: it cannot be made.
    """
    try:
        import fcntl  # what writes nothing need not load it
    except ModuleNotFoundError:  # Windows: nobody is held off
        if shared:
            raise
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    while True:
        # What a link leads to would be written over.
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 100).decode(errors="replace") or "used by another process"
            os.close(descriptor)
            if shared and holder.startswith(_READ):  # by one who is just leaving: who reads hinders no reader
                continue
            advice = "wait for it" if shared else "wait for it, or choose another name"
            raise OutputError(f"{path} is being {holder}; {advice}") from None
        except OSError:
            pass  # a file system without locks, as some of networks are
        if not _is_there(lock, descriptor):  # its last holder has removed it
            os.close(descriptor)
            continue
        with contextlib.suppress(OSError):  # a full disk: the lock holds without a name
            os.ftruncate(descriptor, 0)
            who = f"by process {os.getpid()} since {time.strftime('%Y-%m-%d %H:%M:%S')}"
            os.write(descriptor, f"{_READ if shared else 'written'} {who}".encode())
        return descriptor


def _is_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def stop_reading(lock: Path, descriptor: int) -> None:
    """Let go of a shared lock."""
    import fcntl

    with contextlib.suppress(OSError):  # others read it still: the last of them removes the lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.unlink()
    os.close(descriptor)
