"""The secret in the link of a page that other machines may open."""

import os
import re
import secrets
import stat
from pathlib import Path

from edgecnn.atomic_files import replacing
from edgecnn.errors import InputError
from edgecnn.user_state import state_folder

_BYTES = 16  # 128 bits
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")


def token_file() -> Path:
    """Where the token of this user, or of this systemd service, is kept.

    Raises:
        InputError: the user has no home folder.
    """
    return state_folder() / "live-token"


def load_token(path: Path) -> str:
    """The token in `path`, which is made where there is none: a link stays right when the program starts again.

    Raises:
        InputError: others can read the file, or it holds something else.
        OutputError: it cannot be written.
    """
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            is_open_to_others = os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            token = file.read(100).strip()
    except FileNotFoundError:
        return _make_token(path)
    except OSError as error:
        raise InputError(f"{path}: the page's token cannot be read ({error.strerror})") from None
    if is_open_to_others:
        raise InputError(f"{path} holds the page's token, but others may read it; remove it, and a new one is made")
    if not _TOKEN.fullmatch(token):
        raise InputError(f"{path} holds no token of the page; remove it, and a new one is made")
    return token


def _make_token(path: Path) -> str:
    token = secrets.token_urlsafe(_BYTES)
    with replacing(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token}\n")
    return token
