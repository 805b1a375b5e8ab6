"""What a station told, read strictly: whoever may write to a broker can write anything.

Keys that are not known are passed over, those of a newer edgecnn; what an older one did not tell is None.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from edgecnn.model_file.json_fields import unique_fields

MOST_BYTES = 1 << 20
SCORE_PARTS = 10
_MOST_LABELS = 100_000
_MOST_TEXT = 1000
_MOST_COUNT = 1 << 62
_LATEST = 2.5e11  # seconds since 1970, before the year 10000


class MessageError(ValueError):
    """What came is no message of a station; the text says why, a part of a sentence."""


@dataclass(frozen=True)
class Verified:
    """What the golden probes said on a device.

    Attributes:
        passed: None for a file without probes.
        time: when, seconds since 1970.
        probes: how many there are.
        top1_equal: how many have the right top-1.
        signer: who signed the file; None where the device required no signature.
    """

    passed: bool | None
    time: float
    probes: int
    top1_equal: int
    signer: str | None


@dataclass(frozen=True)
class State:
    """Who a station is, and how it is doing.

    Attributes:
        time: when it was so, seconds since 1970 by the device's clock.
        model: name of its file.
        network_sha256: of the network.
        edgecnn: its version.
        runtime: what runs the model.
        trouble: what is wrong with its camera; empty if nothing is.
        drift: in how many ways its newest frame was unlike the calibration.
        model_sha256: of the whole file.
        release: name of the release that the file belongs to.
        verified: what the probes said.
        last_frame_age: seconds from the newest frame to `time`.
        temperature: degrees Celsius.
        throttled: what holds the machine back.
        interval: seconds between two messages.
    """

    time: float
    model: str
    network_sha256: str
    edgecnn: str
    runtime: str
    trouble: str
    drift: int
    model_sha256: str | None
    release: str | None
    verified: Verified | None
    last_frame_age: float | None
    temperature: float | None
    throttled: tuple[str, ...] | None
    interval: float | None


@dataclass(frozen=True)
class Counters:
    """Totals of a station.

    Attributes:
        id: of this count; another one where counting began anew.
        time: until when, seconds since 1970 by the device's clock.
        frames: how many were classified.
        doubtful: of which no class reached the threshold.
        labels: of the model's classes.
        classes: frames of each label.
        scores: frames by their best score, in tenths.
        unlike: frames of the layer and kind that was most often unlike the calibration.
        compared: frames that another one came before; None where that is not told.
        switches: how many of those have another best class; likewise.
        drift: frames that were unlike the calibration, by layer and kind; None where that was not kept.
    """

    id: str
    time: float
    frames: int
    doubtful: int
    labels: tuple[str, ...]
    classes: tuple[int, ...]
    scores: tuple[int, ...]
    unlike: int
    compared: int | None
    switches: int | None
    drift: Mapping[str, Mapping[str, int]] | None = None


def read_state(payload: bytes) -> State:
    """A message of the topic `state`.

    Raises:
        MessageError: it is none.
    """
    found = _object(payload)
    verified, throttled = found.get("verified"), found.get("throttled")
    return State(
        _time(found),
        _text(found, "model"),
        _text(found, "network_sha256"),
        _text(found, "edgecnn"),
        _text(found, "runtime"),
        _text(found, "trouble"),
        len(_of(found, "drift", list)),
        _optional(_text, found, "model_sha256") or None,
        _optional(_text, found, "release"),
        None if verified is None else _verified(_of(found, "verified", dict)),
        _optional(_number, found, "last_frame_age"),
        _optional(_number, found, "temperature"),
        None if throttled is None else _words(_of(found, "throttled", dict), "now"),
        _optional(_number, found, "interval"),
    )


def read_counters(payload: bytes) -> Counters:
    """A message of the topic `counters`.

    Raises:
        MessageError: it is none.
    """
    found = _object(payload)
    classes, scores = _of(found, "classes", dict), _of(found, "scores", list)
    told = _of(found, "drift", dict)
    drift = {
        layer: {kind: _count(kinds, kind) for kind in kinds} for layer in told if (kinds := _of(told, layer, dict))
    }
    if len(classes) > _MOST_LABELS or any(len(label) > _MOST_TEXT for label in classes):
        raise MessageError("it has more or longer classes than any model")
    counts = tuple(_count(classes, label) for label in classes)
    parts = tuple(_count({"scores": part}, "scores") for part in scores)
    counters = Counters(
        _text(found, "id"),
        _time(found),
        _count(found, "frames"),
        _count(found, "doubtful"),
        tuple(classes),
        counts,
        parts,
        max((count for kinds in drift.values() for count in kinds.values()), default=0),
        _optional(_count, found, "compared"),
        _optional(_count, found, "switches"),
        drift,
    )
    if len(parts) != SCORE_PARTS or not sum(counts) == sum(parts) == counters.frames:
        raise MessageError("its classes and scores do not add up to its frames")
    if (counters.switches or 0) > (counters.compared or 0) or (counters.compared or 0) > counters.frames:
        raise MessageError("it has more switches than frames")
    return counters


def _verified(found: dict[str, Any]) -> Verified:
    passed = found.get("passed")
    if passed is not None and not isinstance(passed, bool):
        raise MessageError("verified.passed is neither true nor false")
    return Verified(
        passed,
        _time(found),
        _count(found, "probes"),
        _count(found, "top1_equal"),
        _optional(_text, found, "signer"),
    )


def _object(payload: bytes) -> dict[str, Any]:
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


def _of(found: dict[str, Any], key: str, kind: type) -> Any:
    value = found.get(key)
    # True is an int to Python.
    if not isinstance(value, kind) or isinstance(value, bool):
        raise MessageError(f"{key[:_MOST_TEXT]} is {'missing' if key not in found else 'of another type'}")
    return value


def _text(found: dict[str, Any], key: str) -> str:
    value: str = _of(found, key, str)
    if len(value) > _MOST_TEXT:
        raise MessageError(f"{key} is longer than {_MOST_TEXT:,} characters")
    return value


def _words(found: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_text({key: value}, key) for value in _of(found, key, list)[:_MOST_TEXT])


def _number(found: dict[str, Any], key: str) -> float:
    value = _of(found, key, (int, float))  # type: ignore[arg-type]
    if not -1e15 < value < 1e15 or not math.isfinite(value):
        raise MessageError(f"{key} is out of range")
    return float(value)


def _count(found: dict[str, Any], key: str) -> int:
    value: int = _of(found, key, int)
    if not 0 <= value < _MOST_COUNT:
        raise MessageError(f"{key[:_MOST_TEXT]} is out of range")
    return value


def _time(found: dict[str, Any]) -> float:
    text = _text(found, "time")
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is None or not 0 <= moment.timestamp() < _LATEST:
            raise ValueError("of no zone, or beyond what can be written again")
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise MessageError("time is no time in UTC") from None


def _optional(read: Any, found: dict[str, Any], key: str) -> Any:
    return None if found.get(key) is None else read(found, key)
