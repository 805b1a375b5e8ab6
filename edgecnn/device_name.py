"""What a station can be called in topics and identifiers."""

import re

from .errors import InputError

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_device_name(name: str) -> bool:
    """Whether a station can be called so."""
    return _NAME.fullmatch(name) is not None


def require_device_name(name: str) -> str:
    """Make sure that a station can be called `name`, which is returned.

    Raises:
        InputError: it cannot.
    """
    if not is_device_name(name):
        raise InputError(f"{name!r} cannot name a device: letters a to z, digits, - and _, at most 64 of them")
    return name
