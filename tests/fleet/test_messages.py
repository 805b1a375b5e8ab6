"""Messages of stations are read strictly, those of older and newer edgecnns too; anything else is refused in words."""

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from edgecnn.fleet.message_fields import MOST_BYTES, MessageError
from edgecnn.fleet.messages import read_counters, read_state
from tests.support.fleets import counters, state
from tests.support.live_messages import messages

NEWER = ("model_sha256", "release", "verified", "last_frame_age", "temperature", "throttled", "interval")
TOTALS = counters([3, 0, 7], [0, 0, 0, 0, 0, 0, 0, 0, 4, 6], ("a", "b", "c"))


def payload(row: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({**row, **changes}).encode()


def test_what_a_station_really_sends_reads(tmp_path_factory: pytest.TempPathFactory) -> None:
    told = messages(tmp_path_factory.mktemp("told"))
    first, second = (read_state(payload(row)) for row in told["mqtt-state"])
    assert first.verified is not None and first.verified.passed and first.verified.probes > 0
    assert first.model_sha256 and len(first.model_sha256) == 64 and first.release is None
    assert first.last_frame_age is None and second.last_frame_age is not None and first.interval == 30
    totals = read_counters(payload(told["mqtt-counters"][1]))
    assert totals.frames == 3 == sum(totals.classes) and totals.compared == 2 and len(totals.labels) == 10
    assert totals.unlike == max(n for kinds in told["mqtt-counters"][1]["drift"].values() for n in kinds.values())


def test_an_older_station_tells_less_and_a_newer_one_more() -> None:
    old = read_state(payload({key: one for key, one in state("pi").items() if key not in NEWER}))
    assert all(getattr(old, key) is None for key in NEWER)
    assert read_state(payload(state("pi"), mood="fine")).model == "m.int8.tflite"
    totals = read_counters(payload({key: one for key, one in TOTALS.items() if key not in ("compared", "switches")}))
    assert totals.compared is None and totals.classes == (3, 0, 7)
    assert read_state(payload(state("pi"), throttled=None, temperature=None)).throttled is None


def test_times_are_read_as_utc() -> None:
    found = read_state(payload(state("pi"), time="2026-03-01T12:30:00.250Z"))
    assert found.time == datetime(2026, 3, 1, 12, 30, 0, 250_000, timezone.utc).timestamp()


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"time": 1' + b"0" * 5000 + b"}", "not JSON"),
        (b'{"time": 1, "time": 2}', "not JSON"),
        (b"[]", "no object"),
        (b'"x"', "no object"),
        (b" " * (MOST_BYTES + 1), "bytes"),
        (payload(state("pi"), time="yesterday"), "time is no time"),
        (payload(state("pi"), time="2026-03-01T12:30:00"), "time is no time"),
        (payload(state("pi"), time="9999-12-31T23:59:59-23:00"), "time is no time"),
        (payload(state("pi"), time=3), "time is of another type"),
        (payload(state("pi"), model=None), "model is of another type"),
        (payload(state("pi"), model="x" * 2000), "model is longer"),
        (payload(state("pi"), temperature=float("nan")), "not JSON"),
        (payload(state("pi"), temperature=True), "temperature is of another type"),
        (payload(state("pi"), interval="30"), "interval is of another type"),
        (payload(state("pi"), last_frame_age=10**400), "last_frame_age is out of range"),
        (payload(state("pi"), drift={}), "drift is of another type"),
        (payload(state("pi"), throttled={"now": [3]}), "now is of another type"),
        (payload(state("pi"), throttled=[]), "throttled is of another type"),
        (payload(state("pi"), verified="yes"), "verified is of another type"),
        (payload(state("pi"), verified={**state("pi")["verified"], "passed": "yes"}), "neither true nor false"),
        (payload(state("pi"), verified={**state("pi")["verified"], "probes": -1}), "probes is out of range"),
        (payload({}), "time is missing"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",  # workers must agree on it, and messages hold the time
)
def test_what_is_no_state_is_refused_in_words(bad: bytes, words: str) -> None:
    with pytest.raises(MessageError) as raised:
        read_state(bad)
    assert words in str(raised.value) and len(str(raised.value)) < 1200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"frames": 11}, "do not add up"),
        ({"classes": {"a": 3, "b": 0, "c": 8}}, "do not add up"),
        ({"scores": [0] * 10}, "do not add up"),
        ({"scores": [10]}, "do not add up"),
        ({"scores": None}, "scores is of another type"),
        ({"classes": {"a": 3.0, "b": 0, "c": 7}}, "a is of another type"),
        ({"classes": {"a": -3, "b": 6, "c": 7}}, "a is out of range"),
        ({"classes": {"x" * 5000: 10}}, "longer classes"),
        ({"frames": 1 << 70}, "frames is out of range"),
        ({"frames": True}, "frames is of another type"),
        ({"drift": {"conv2d": 3}}, "conv2d is of another type"),
        ({"drift": {"conv2d": {"saturated": "x"}}}, "saturated is of another type"),
        ({"switches": 10}, "more switches than frames"),
        ({"compared": 11}, "more switches than frames"),
        ({"id": None}, "id is of another type"),
    ],
)
def test_totals_that_cannot_be_are_refused_in_words(changes: dict[str, Any], words: str) -> None:
    read_counters(payload(TOTALS))
    with pytest.raises(MessageError, match=words):
        read_counters(payload(TOTALS, **changes))
