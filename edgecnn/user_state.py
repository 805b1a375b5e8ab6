"""Where a program keeps what it must find again when it starts anew: a token, counters."""

import os
from pathlib import Path

from .errors import InputError


def state_folder() -> Path:
    """The state folder of this user, or of this systemd service; it may not be there yet.

    Raises:
        InputError: the user has no home folder.
    """
    service = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd's StateDirectory=
    if service:
        return Path(service)
    try:
        state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    except RuntimeError:
        raise InputError("there is no home folder to keep tokens and counters in; set XDG_STATE_HOME") from None
    return Path(state) / "edgecnn"
