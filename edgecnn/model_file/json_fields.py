"""From parsed JSON to a frozen dataclass, with an error that names the field."""

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar

from ..errors import InputError, ModelFileError
from ..printable import is_printable

T = TypeVar("T")


@dataclass(frozen=True)
class Within:
    """From which number to which a field may be; asked of what is read."""

    low: int
    high: int


_LARGEST_INTEGER = 2**63 - 1  # what most readers of JSON hold
_ROUNDING = 1e-9  # intervals are computed, and may end this far beyond 0 or 1
Count = Annotated[int, Within(0, _LARGEST_INTEGER)]
Share = Annotated[float, Within(0, 1)]


def refuse_constant(name: str) -> float:
    """For `json.loads`: NaN and infinities are no JSON."""
    raise ValueError(f"{name} is not a figure")


def unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, for `json.loads`: of a field that stands twice, readers take one or the other.

    Raises:
        ValueError: one does.
    """
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field stands twice in it")
    return fields


def decode(cls: type[T], data: object, where: str) -> T:
    """Build dataclass `cls` from `data`, a parsed JSON object.

    Args:
        cls: a dataclass of str, int, float, Count, Share, Literal, optional, tuple and dataclass fields.
        data: what `json.loads` returned.
        where: names the object in errors, e.g. `"card"`.

    Raises:
        ModelFileError: a field is missing, unknown, of the wrong type or out of range; the message names it.
    """
    if not isinstance(data, Mapping):
        raise ModelFileError(f"{where} must be an object. Received: {_shown(data)}")
    hints = _hints(cls)  # type: ignore[arg-type]  # mypy does not see that classes can be keys
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in data:
        if name not in known:
            raise ModelFileError(f"{where} has an unknown field {_shown(name)}; known fields: {', '.join(known)}")
    values = {}
    for name, field in known.items():
        if name in data:
            values[name] = _decode_value(hints[name], data[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING:
            raise ModelFileError(f"{where}.{name} is missing")
    try:
        return cls(**values)
    except (ValueError, InputError) as error:
        raise ModelFileError(_cut(f"{where}.{error}", 300)) from None


@cache  # a card has two dozen objects of eight classes, and Python takes as long for the hints as we for the rest
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _decode_value(hint: Any, value: object, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):  # only `X | None` occurs
        return None if value is None else _decode_value(arguments[0], value, where)
    if origin is Annotated:
        return _require_within(_decode_value(arguments[0], value, where), arguments[1], where)
    if origin is typing.Literal:
        if value not in arguments:
            raise ModelFileError(f"{where} must be one of {', '.join(arguments)}. Received: {_shown(value)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise ModelFileError(f"{where} must be a list. Received: {_shown(value)}")
        return tuple(_decode_value(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type, hint), value, where)
    return _decode_scalar(hint, value, where)


def _decode_scalar(hint: type, value: object, where: str) -> Any:
    names: dict[type, str] = {str: "a string", int: "a whole number", float: "a number"}
    accepted = (int, float) if hint is float else (hint,)
    # bool is a subclass of int, but `true` is not a height.
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise ModelFileError(f"{where} must be {names[hint]}. Received: {_shown(value)}")
    if isinstance(value, str) and not is_printable(value):
        raise ModelFileError(f"{where} must be printable text. Received: {_shown(value)}")
    if (isinstance(value, int) and abs(value) > _LARGEST_INTEGER) or (isinstance(value, float) and math.isinf(value)):
        raise ModelFileError(f"{where} is too large a number. Received: {_shown(value)}")
    return float(value) if hint is float and isinstance(value, int) else value


def _require_within(value: Any, bounds: Within, where: str) -> Any:
    if not bounds.low - _ROUNDING <= value <= bounds.high + _ROUNDING:
        wanted = "must not be below 0" if value < 0 else f"must be {bounds.low} to {bounds.high}"
        raise ModelFileError(f"{where} {wanted}. Received: {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return _cut("a very large number" if isinstance(value, int) and abs(value) > 1 << 64 else repr(value), 60)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."
