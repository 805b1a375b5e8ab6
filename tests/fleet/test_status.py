"""What is wrong with a station is found by what it told, one kind at a time; what is well is not complained of."""

import json
from typing import Any

import pytest

from edgecnn.fleet.fleet import Device, Fleet, Gathering
from edgecnn.fleet.status import FINDING_KINDS, Expected, duration, find_trouble
from edgecnn.utc import utc
from tests.support.fleets import counters, state, station

NOW = 1_800_000_000.0
EXPECTED = Expected("m.int8.tflite", "a" * 64, "b" * 64)
PROOF = state("x")["verified"]


def fleet(*, messages: dict[str, Any] | None = None, **changes: Any) -> Fleet:
    """A station called pi that is well but for changes of its state, or of whole messages."""
    told = station("pi", **{"time": utc(NOW - 5), **changes})
    told.update({f"pi/{kind}": value for kind, value in (messages or {}).items()})
    gathering = Gathering()
    for topic, payload in told.items():
        if payload is not None:
            name, kind = topic.split("/")
            text = payload if isinstance(payload, str) else json.dumps(payload)
            gathering.add(name, kind, text.encode())
    return gathering.fleet("here", NOW, True)


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"messages": {"availability": "offline"}}, "offline", "offline"),
        ({"messages": {"state": None}}, "silent", "no state"),
        ({"messages": {"counters": ""}}, "silent", "no counters"),
        ({"messages": {"counters": "[]"}}, "unread", "counters does not read"),
        ({"time": utc(NOW - 3600)}, "old", "60 min old"),
        ({"time": utc(NOW - 106)}, "old", "106 s old"),
        ({"time": utc(NOW + 7200)}, "clock", "2 h ahead"),
        ({"trouble": "the camera hangs"}, "camera", "the camera hangs"),
        ({"verified": {**PROOF, "passed": False, "top1_equal": 20}}, "unverified", "20 of 24 probes"),
        ({"verified": {**PROOF, "passed": None, "probes": 0, "top1_equal": 0}}, "unverified", "no probes"),
        ({"verified": None}, "unverified", "not said"),
        ({"model_sha256": "c" * 64, "network_sha256": "d" * 64, "model": "old.tflite"}, "other-model", "old.tflite"),
        ({"model_sha256": "c" * 64}, "other-model", "card or signature differ"),
        ({"throttled": {"now": ["under-voltage"], "since_boot": []}}, "held-back", "under-voltage"),
    ],
)
def test_one_thing_that_is_wrong_is_found_and_nothing_else(changes: dict[str, Any], kind: str, words: str) -> None:
    (finding,) = find_trouble(fleet(**changes), expected=EXPECTED)
    assert (finding.device, finding.kind) == ("pi", kind) and words in finding.words and kind in FINDING_KINDS


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"time": utc(NOW - 104)},  # three messages of 30 seconds, and a few more
        {"time": utc(NOW + 30)},
        {"time": utc(NOW - 9000), "interval": 3600.0},
        {"time": utc(NOW - 9000), "interval": None},  # how often it tells anything, it does not say
        {"model_sha256": None},  # an older edgecnn: the network is the expected one
        {"throttled": {"now": [], "since_boot": ["under-voltage"]}},
        {"throttled": None, "temperature": None, "release": "3f9a"},
    ],
)
def test_what_is_well_is_not_complained_of(changes: dict[str, Any]) -> None:
    assert find_trouble(fleet(**changes), expected=EXPECTED) == []


def test_what_a_message_says_of_itself_hides_no_other() -> None:
    said = {"state": None, "counters": {**counters([1], [1] + [0] * 9, ["a"]), "classes": {"its message state ": -1}}}
    assert [one.kind for one in find_trouble(fleet(messages=said))] == ["unread", "silent"]


def test_the_largest_age_is_the_users_where_one_is_given() -> None:
    assert not find_trouble(fleet(time=utc(NOW - 3600)), most_age=4000)
    assert [one.kind for one in find_trouble(fleet(time=utc(NOW - 20)), most_age=10)] == ["old"]
    # Of one that is offline, everybody knows why its message is old.
    both = fleet(time=utc(NOW - 3600), messages={"availability": "offline"})
    assert [one.kind for one in find_trouble(both)] == ["offline"]


def test_every_kind_is_found_somewhere_and_a_station_may_have_many() -> None:
    wrong = fleet(
        time=utc(NOW - 9999), trouble="no camera", verified=None, network_sha256="d" * 64, model_sha256=None,
        throttled={"now": ["throttled"], "since_boot": []}, messages={"counters": "{"},
    )  # fmt: skip
    kinds = {one.kind for one in find_trouble(wrong, expected=EXPECTED)}
    assert kinds == {"unread", "old", "camera", "unverified", "other-model", "held-back"}
    away = find_trouble(fleet(), expected=EXPECTED, roster=("attic", "pi", "cellar"))
    assert [(one.device, one.kind) for one in away] == [("attic", "missing"), ("cellar", "missing")]
    assert [one.kind for one in find_trouble(Fleet("here", NOW, (Device("pi"),)))] == ["silent"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (5400, "90 min"), (9000, "2.5 h"), (1e9, "11,574 d")],
)  # fmt: skip
def test_times_are_said_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds) == words
