"""What a station told.

Keys that are not known are passed over, those of a newer edgecnn; what an older one did not tell is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .message_fields import (
    MOST_TEXT,
    MessageError,
    optional,
    parse_object,
    read_count,
    read_number,
    read_text,
    read_time,
    read_words,
    require,
)

SCORE_PARTS = 10
_MOST_LABELS = 100_000


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
    found = parse_object(payload)
    verified, throttled = found.get("verified"), found.get("throttled")
    return State(
        time=read_time(found),
        model=read_text(found, "model"),
        network_sha256=read_text(found, "network_sha256"),
        edgecnn=read_text(found, "edgecnn"),
        runtime=read_text(found, "runtime"),
        trouble=read_text(found, "trouble"),
        drift=len(require(found, "drift", list)),
        model_sha256=optional(read_text, found, "model_sha256") or None,
        release=optional(read_text, found, "release"),
        verified=None if verified is None else _verified(require(found, "verified", dict)),
        last_frame_age=optional(read_number, found, "last_frame_age"),
        temperature=optional(read_number, found, "temperature"),
        throttled=None if throttled is None else read_words(require(found, "throttled", dict), "now"),
        interval=optional(read_number, found, "interval"),
    )


def read_counters(payload: bytes) -> Counters:
    """A message of the topic `counters`.

    Raises:
        MessageError: it is none.
    """
    return counters_from(parse_object(payload))


def counters_from(found: dict[str, Any]) -> Counters:
    """What the fields of such a message say.

    Raises:
        MessageError: they are none of it.
    """
    classes, told = require(found, "classes", dict), require(found, "drift", dict)
    drift = {
        layer: {kind: read_count(kinds, kind) for kind in kinds}
        for layer in told
        if (kinds := require(told, layer, dict))
    }
    if len(classes) > _MOST_LABELS or any(len(label) > MOST_TEXT for label in classes):
        raise MessageError("it has more or longer classes than any model")
    counters = Counters(
        id=read_text(found, "id"),
        time=read_time(found),
        frames=read_count(found, "frames"),
        doubtful=read_count(found, "doubtful"),
        labels=tuple(classes),
        classes=tuple(read_count(classes, label) for label in classes),
        scores=tuple(read_count({"scores": part}, "scores") for part in require(found, "scores", list)),
        unlike=max((count for kinds in drift.values() for count in kinds.values()), default=0),
        compared=optional(read_count, found, "compared"),
        switches=optional(read_count, found, "switches"),
        drift=drift,
    )
    if len(counters.scores) != SCORE_PARTS or not sum(counters.classes) == sum(counters.scores) == counters.frames:
        raise MessageError("its classes and scores do not add up to its frames")
    if (counters.switches or 0) > (counters.compared or 0) or (counters.compared or 0) > counters.frames:
        raise MessageError("it has more switches than frames")
    return counters


def _verified(found: dict[str, Any]) -> Verified:
    passed = found.get("passed")
    if passed is not None and not isinstance(passed, bool):
        raise MessageError("verified.passed is neither true nor false")
    return Verified(
        passed=passed,
        time=read_time(found),
        probes=read_count(found, "probes"),
        top1_equal=read_count(found, "top1_equal"),
        signer=optional(read_text, found, "signer"),
    )
