"""Fields of a message, read strictly: whoever may write to a broker can write anything."""

import json
import math
from datetime import datetime
from typing import Any, NoReturn

from edgecnn.model_file.json_fields import unique_fields

MOST_BYTES = 1 << 20
MOST_TEXT = 1000
_MOST_COUNT = 1 << 62
_LATEST = 2.5e11  # seconds since 1970, before the year 10000


class MessageError(ValueError):
    """What came is no message of a station; the text says why, a part of a sentence."""


def parse_object(payload: bytes) -> dict[str, Any]:
    """The fields of a message.

    Raises:
        MessageError: it is no object of JSON.
    """
    if len(payload) > MOST_BYTES:
        raise MessageError(f"it has {len(payload):,} bytes, {MOST_BYTES:,} are the most")
    try:
        found = json.loads(payload, parse_constant=_refuse, object_pairs_hook=unique_fields)
    except (ValueError, RecursionError):  # UnicodeDecodeError is a ValueError
        raise MessageError("it is not JSON") from None
    if not isinstance(found, dict):
        raise MessageError("it is no object of JSON")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)  # NaN and Infinity, which JSON does not know and Python reads


def require(found: dict[str, Any], key: str, kind: type) -> Any:
    """A field of this type.

    Raises:
        MessageError: it is missing, or of another type.
    """
    value = found.get(key)
    # True is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise MessageError(f"{key[:MOST_TEXT]} is {'missing' if key not in found else 'of another type'}")
    return value


def read_text(found: dict[str, Any], key: str) -> str:
    """A text.

    Raises:
        MessageError: it is none, or too long.
    """
    value: str = require(found, key, str)
    if len(value) > MOST_TEXT:
        raise MessageError(f"{key} is longer than {MOST_TEXT:,} characters")
    return value


def read_words(found: dict[str, Any], key: str) -> tuple[str, ...]:
    """A list of texts; of a long one its beginning.

    Raises:
        MessageError: it is none.
    """
    return tuple(read_text({key: value}, key) for value in require(found, key, list)[:MOST_TEXT])


def read_number(found: dict[str, Any], key: str) -> float:
    """A number.

    Raises:
        MessageError: it is none, or beyond what can be.
    """
    value = require(found, key, (int, float))  # type: ignore[arg-type]
    if not -1e15 < value < 1e15 or not math.isfinite(value):
        raise MessageError(f"{key} is out of range")
    return float(value)


def read_count(found: dict[str, Any], key: str) -> int:
    """How often something was.

    Raises:
        MessageError: it is no count.
    """
    value: int = require(found, key, int)
    if not 0 <= value < _MOST_COUNT:
        raise MessageError(f"{key[:MOST_TEXT]} is out of range")
    return value


def read_time(found: dict[str, Any]) -> float:
    """When it was, the field `time`, in seconds since 1970.

    Raises:
        MessageError: it is no time in UTC.
    """
    text = read_text(found, "time")
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None or not 0 <= moment.timestamp() < _LATEST:
            raise ValueError("of no zone, or beyond what can be written again")
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise MessageError("time is no time in UTC") from None


def optional(read: Any, found: dict[str, Any], key: str) -> Any:
    """What `read` makes of a field; None where that is missing, or null."""
    return None if found.get(key) is None else read(found, key)
