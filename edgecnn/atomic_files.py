"""Files are written beside their target and renamed, and by one process at a time: no half-written one ever exists."""

import contextlib
import errno
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path

from .errors import OutputError
from .file_locks import lock_file, stop_reading

_TEMPORARY = re.compile(r"\.[0-9a-f]{8}")  # what stands before the dash of the name of a temporary file
# Within `together`: the temporary files that are whole, by the paths whose places they will take.
_waiting: ContextVar[dict[Path, Path] | None] = ContextVar("_waiting", default=None)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block succeeds it takes the place of `path`.

    The temporary name keeps the suffix of `path`. When the block fails, nothing is left behind. Within `together` the
    place is taken when that ends. Who may read or write a file that was there may do so with the new one.

    Raises:
        OutputError: the folder or the file cannot be written (no permission, disk full, ...), or it is a device.
    """
    path = Path(path)
    _require_no_device(path)
    temporary = path.parent / f".{os.urandom(4).hex()}-{path.name}"  # a folder may have no name
    waiting = _waiting.get()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _take_over(path, temporary)
        if waiting is None:
            os.replace(temporary, path)
        else:
            _unlink(waiting.get(path))
            waiting[path] = temporary
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if waiting is None or waiting.get(path) != temporary:
            _unlink(temporary)


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
            _unlink(temporary)


def _unlink(temporary: Path | None) -> None:
    if temporary:
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
        OutputError: one of `paths` exists and `force` is false, or is no file.
    """
    for path in paths:
        _require_no_device(Path(path))
        if not force and os.path.lexists(path):
            raise OutputError(f"{path} exists already; choose another name or add --force to replace it")


def _require_no_device(path: Path) -> None:
    """Make sure that a file which takes the place of `path` takes that of no device or pipe: others would miss it."""
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OutputError(f"{path} is a pipe, a device or a socket, which no file may replace; name a file")


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
                descriptor = lock_file(lock, path, shared=True)
                held.callback(stop_reading, lock, descriptor)
        yield


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    made = [folder for folder in path.parents if not folder.exists()]
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = lock_file(lock, path)
    except OSError as error:
        advice = f"; remove {lock}, which is not a lock" if error.errno in (errno.ELOOP, errno.EISDIR) else ""
        raise OutputError(f"cannot write {path}: {error.strerror or error}{advice}") from error
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


def _take_over(path: Path, temporary: Path) -> None:
    """Give a file the owner and the mode of the one that it will replace."""
    with contextlib.suppress(OSError):  # most often there is none yet
        old = os.stat(path)
        if hasattr(os, "chown"):
            with contextlib.suppress(OSError):  # another's file, which only root can give back
                os.chown(temporary, old.st_uid, old.st_gid)
        os.chmod(temporary, old.st_mode & 0o7777)


def remove_what_kills_left(path: Path) -> None:
    """Remove the temporary files of `path`; nobody else may be writing it, so nobody will rename them any more."""
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            start, dash, name = other.name.partition("-")
            if dash and name == path.name and _TEMPORARY.fullmatch(start):
                other.unlink()
