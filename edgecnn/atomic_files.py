"""Files are written beside their target and renamed, so that a half-written one never exists."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import OutputError


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block succeeds it takes the place of `path`.

    The temporary name keeps the suffix of `path`. When the block fails, nothing is left behind.

    Raises:
        OutputError: the folder or the file cannot be written (no permission, disk full, ...).
    """
    path = Path(path)
    temporary = path.with_name(f".{os.urandom(4).hex()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def refuse_existing(paths: Iterable[str | Path], force: bool) -> None:
    """Make sure that no output overwrites a file by accident.

    Raises:
        OutputError: one of `paths` exists and `force` is false.
    """
    for path in paths:
        if not force and os.path.lexists(path):
            raise OutputError(f"{path} exists already; choose another name or add --force to replace it")
