"""What a caller in Python gave: of the kind that is wanted, or one sentence."""

import os
from collections.abc import Collection, Mapping, Sequence, Set
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeGuard

from .errors import InputError


def require_path(value: Any, what: str) -> Path:
    """`value` as a path; `what` begins the sentence, e.g. "a model".

    Raises:
        InputError: it is neither text nor a path.
    """
    if not isinstance(value, str | os.PathLike) or isinstance(os.fspath(value), bytes):
        hint = "; write its bytes to a file first, or decode its name" if isinstance(value, bytes) else ""
        raise InputError(f"{what} is named by a path, as text or pathlib.Path. Received: {_shown(value)}{hint}")
    return Path(value)


def with_name(path: Path) -> Path:
    """`path`, made absolute where it has no name of its own, as `.` and `..`."""
    return path.resolve() if path.name in ("", "..") else path


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether `value` is a whole number, Python's or NumPy's; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> TypeGuard[float]:
    """Whether `value` is a number that can be compared, Python's or NumPy's; True and False are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def to_plain(request: Any, *names: str) -> None:
    """Make Python's of NumPy's whole numbers in these fields of a frozen dataclass: JSON takes no others."""
    for name in names:
        value = getattr(request, name)
        if is_whole(value):
            object.__setattr__(request, name, int(value))


def require_count(value: Any, name: str) -> int:
    """`value` as a whole number from 1 on.

    Raises:
        InputError: it is none.
    """
    if not is_whole(value) or value < 1:
        raise InputError(f"{name} must be 1 or more, a whole number. Received: {_shown(value)}")
    return int(value)


def require_size(value: Any, name: str) -> tuple[int, int]:
    """`value` as the height and width of an image.

    Raises:
        InputError: it is no pair of whole numbers from 1 on.
    """
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    if not is_pair or not all(is_whole(number) and number >= 1 for number in value):
        raise InputError(f"{name} must be (height, width), whole numbers from 1 on. Received: {_shown(value)}")
    return int(value[0]), int(value[1])


def require_numbers(value: Any, name: str) -> tuple[float, ...]:
    """`value` as a tuple of numbers, of which there is one at least.

    Raises:
        InputError: it is none.
    """
    if not isinstance(value, tuple | list) or not value or not all(map(is_number, value)):
        example = f"; write ({value!r},)" if is_number(value) else ""
        raise InputError(f"{name} must be a tuple of numbers. Received: {_shown(value)}{example}")
    return tuple(map(float, value))


def require_names(value: Any, name: str) -> None:
    """Make sure that `value` is a list of names; text alone is none, though it is a list of letters.

    Raises:
        InputError: it is not.
    """
    is_list = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    if not is_list or not all(isinstance(one, str) for one in value):
        advice = "; give its names in order: tuple(...)" if isinstance(value, Mapping | Set) else ""
        raise InputError(f"{name} must be a tuple of names. Received: {_shown(value)}{advice}")


def require_choice(value: Any, choices: Collection[str], name: str) -> None:
    """Make sure that `value` is one of `choices`.

    Raises:
        InputError: it is not.
    """
    if not isinstance(value, str) or value not in choices:
        *others, last = choices
        words = f"one of {', '.join(choices)}" if len(others) > 2 else f"{', '.join(others)} or {last}"
        raise InputError(f"{name} must be {words}. Received: {_shown(value)}")


def require_kind(value: Any, kind: type, name: str) -> None:
    """Make sure that `value` is of a class.

    Raises:
        InputError: it is of another.
    """
    if not isinstance(value, kind):
        where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        raise InputError(f"{name} must be of the class {where}{kind.__name__}. Received: {_shown(value)}")


def _shown(value: Any) -> str:
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:59] + '…'} ({type(value).__name__})"
