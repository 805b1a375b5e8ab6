"""Files are written beside their target and renamed, and by one process at a time: no half-written one ever exists."""

import contextlib
import errno
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path

from .errors import OutputError

_READ = "read"  # how a lock begins that many may hold
# Within `together`: the temporary files that are whole, by the paths whose places they will take.
_waiting: ContextVar[dict[Path, Path] | None] = ContextVar("_waiting", default=None)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block succeeds it takes the place of `path`.

    The temporary name keeps the suffix of `path`. When the block fails, nothing is left behind. Within `together` the
    place is taken when that ends. Who may read or write a file that was there may do so with the new one.

    Raises:
        OutputError: the folder or the file cannot be written (no permission, disk full, ...).
    """
    path = Path(path)
    temporary = path.parent / f".{os.urandom(4).hex()}-{path.name}"  # a folder may have no name
    waiting = _waiting.get()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with contextlib.suppress(OSError):  # most often there is none yet
            os.chmod(temporary, os.stat(path).st_mode & 0o7777)
        if waiting is None:
            os.replace(temporary, path)
        else:
            waiting[path] = temporary
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if waiting is None or waiting.get(path) != temporary:
            with contextlib.suppress(OSError):
                temporary.unlink()


@contextlib.contextmanager
def together(stale: Iterable[str | Path] = ()) -> Iterator[None]:
    """What is written in the block takes its place when the block succeeds: all of it, or with an error none of it.

    Files of two sets never stand side by side: those to be replaced go first, but for the one that was written first.
    A kill at that moment leaves a set that lacks files.

    Args:
        stale: files of the set before that the new one does not have; they go as well.

    Raises:
        OutputError: a file cannot take its place.
    """
    if _waiting.get() is not None:
        raise RuntimeError("files are written together already")
    waiting: dict[Path, Path] = {}
    token = _waiting.set(waiting)
    try:
        yield
        _take_places(waiting, [Path(path) for path in stale])
    finally:
        _waiting.reset(token)
        for temporary in waiting.values():
            with contextlib.suppress(OSError):
                temporary.unlink()


def _take_places(waiting: dict[Path, Path], stale: list[Path]) -> None:
    path = Path()
    try:
        for path in [*waiting, *stale]:
            if path.is_dir():  # found before anything is removed
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        for path in [*list(waiting)[1:], *stale]:
            path.unlink(missing_ok=True)
        for path, temporary in waiting.items():
            os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def require_room(folder: Path, size_bytes: int) -> None:
    """Make sure that the disk of `folder` takes so many bytes more; where the system cannot tell, it does.

    Raises:
        OutputError: it does not.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size_bytes)
    except OSError as error:
        size = f"{size_bytes / 1e6:,.1f} MB"
        raise OutputError(
            f"cannot write {folder}: {error.strerror or error}: {size} are needed; make room, or choose another folder"
        ) from error


def refuse_existing(paths: Iterable[str | Path], force: bool) -> None:
    """Make sure that no output overwrites a file by accident.

    Raises:
        OutputError: one of `paths` exists and `force` is false.
    """
    for path in paths:
        if not force and os.path.lexists(path):
            raise OutputError(f"{path} exists already; choose another name or add --force to replace it")


@contextlib.contextmanager
def claimed(paths: Iterable[str | Path], force: bool) -> Iterator[None]:
    """Keep `paths` for the block: what else claims one of them, in this process or another, is refused meanwhile.

    While the block runs there is a `.NAME.lock` beside each. When its process ends, in whatever way, nobody holds it.

    Args:
        paths: of the files that the block will write; their folders are made.
        force: whether they may exist already.

    Raises:
        OutputError: another run writes one of `paths`, a file exists and `force` is false, or a folder cannot be made.
    """
    wanted = [Path(path) for path in paths]
    with contextlib.ExitStack() as held:
        for path in wanted:
            held.enter_context(_locked(path))
        refuse_existing(wanted, force)
        yield


@contextlib.contextmanager
def being_read(paths: Iterable[str | Path]) -> Iterator[None]:
    """Keep `paths` as they are for the block: what would claim one of them is refused, others may read them too.

    Where no lock can be made, as in a read-only folder, nobody is held off.

    Args:
        paths: of files that are read one after the other, or more than once, and must not change meanwhile.

    Raises:
        OutputError: another run writes one of `paths`.
    """
    with contextlib.ExitStack() as held:
        for path in map(Path, paths):
            lock = path.with_name(f".{path.name}.lock")
            with contextlib.suppress(OSError, ModuleNotFoundError):
                descriptor = _lock(lock, path, shared=True)
                held.callback(_stop_reading, lock, descriptor)
        yield


def _stop_reading(lock: Path, descriptor: int) -> None:
    import fcntl

    with contextlib.suppress(OSError):  # others read it still: the last of them removes the lock
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.unlink()
    os.close(descriptor)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f".{path.name}.lock")
        descriptor = _lock(lock, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        remove_what_kills_left(path)
        yield
    finally:
        with contextlib.suppress(OSError):
            lock.unlink()  # before it is let go: who opened it meanwhile sees that it is gone
        os.close(descriptor)
        if os.name == "nt":  # where nothing that is open can be removed
            with contextlib.suppress(OSError):
                lock.unlink()
        with contextlib.suppress(OSError):  # something has been written there
            for folder in made:
                folder.rmdir()


def remove_what_kills_left(path: Path) -> None:
    """Remove the temporary files of `path`; nobody else may be writing it, so nobody will rename them any more."""
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            start, dash, name = other.name.partition("-")
            if dash and name == path.name and len(start) == 9 and start[0] == ".":
                other.unlink()


def _lock(lock: Path, path: Path, *, shared: bool = False) -> int:
    """A descriptor of the file `lock` that nobody else holds, or only those who share it."""
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
