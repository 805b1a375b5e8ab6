"""Totals go on in the next process; what is no file of theirs is said, and never taken for one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgecnn import OutputError
from edgecnn.device.live.outlets.counter_file import CounterFile, counter_path
from edgecnn.device.live.station import Station
from edgecnn.device.live.tally import Counts

LABELS = ("a", "b")
SOME = Counts(3, 1, 2, 1, 2, {"a": 1, "b": 2}, (0, 1, 0, 0, 0, 0, 0, 0, 0, 2), 2.25, {("l", "saturated"): 3})


def test_each_process_adds_to_those_before_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "counters.json"
    first = CounterFile(path, LABELS, pytest.fail)
    assert first.totals["frames"] == 0 and first.totals["classes"] == {"a": 0, "b": 0}
    assert first.save(SOME) and first.save(SOME)  # what a process counts is told whole each time
    second = CounterFile(path, LABELS, pytest.fail)
    assert second.totals["frames"] == 3 and second.save(SOME)
    totals = second.totals
    assert {name: totals[name] for name in ("frames", "dropped", "damaged", "doubtful", "changes")} == {
        "frames": 6, "dropped": 2, "damaged": 4, "doubtful": 2, "changes": 4
    }  # fmt: skip
    assert totals["classes"] == {"a": 2, "b": 4} and totals["scores"] == [0, 2, 0, 0, 0, 0, 0, 0, 0, 4]
    assert totals["score_sum"] == 4.5 and totals["drift"] == {"l": {"saturated": 6}}
    assert totals["id"] == first.totals["id"] and totals["since"] == first.totals["since"] < totals["time"]
    assert json.loads(path.read_bytes()) == totals


def altered(**changes: Any) -> Any:
    return lambda kept: json.dumps({**kept, **changes}).encode()


@pytest.mark.parametrize(
    "alter",
    [
        lambda kept: b"",
        lambda kept: json.dumps(kept).encode()[:-1],
        lambda kept: b"[]",
        lambda kept: b"null",
        lambda kept: b"\xff\xfe{}",
        lambda kept: b"[" * 100_000,
        lambda kept: json.dumps({key: one for key, one in kept.items() if key != "id"}).encode(),
        altered(frames=-1),
        altered(frames=True),
        altered(frames=1.5),
        altered(frames="3"),
        altered(frames=1 << 70),
        altered(classes={"a": 1, "c": 2}),
        altered(classes={"a": 1, "b": -2}),
        altered(classes=[1, 2]),
        altered(scores=[1] * 9),
        altered(scores=5),
        altered(score_sum=float("nan")),
        altered(score_sum="x"),
        altered(drift={"l": 3}),
        altered(id=5),
        altered(since=None),
    ],
)
def test_what_holds_no_counters_is_said_and_counting_begins_anew(alter: Any, tmp_path: Path) -> None:
    path, told = tmp_path / "counters.json", list[str]()
    before = CounterFile(path, LABELS, pytest.fail)
    before.save(SOME)
    path.write_bytes(alter(before.totals))
    after = CounterFile(path, LABELS, told.append)
    assert told == [f"{path} holds no counters; counting begins anew"]
    assert after.totals["frames"] == 0 and after.totals["id"] != before.totals["id"]
    assert after.save(SOME) and CounterFile(path, LABELS, pytest.fail).totals["frames"] == 3


def test_totals_of_before_there_were_switches_go_on(tmp_path: Path) -> None:
    path = tmp_path / "counters.json"
    first = CounterFile(path, LABELS, pytest.fail)
    first.save(SOME)
    path.write_text(json.dumps({key: one for key, one in first.totals.items() if key not in ("compared", "switches")}))
    second = CounterFile(path, LABELS, pytest.fail)
    second.save(replace(SOME, compared=2, switches=1))
    assert second.totals["frames"] == 6 and (second.totals["compared"], second.totals["switches"]) == (2, 1)


def test_what_cannot_be_written_is_never_told(tmp_path: Path) -> None:
    told: list[str] = []
    file = CounterFile(tmp_path / "counters.json", LABELS, told.append)
    file.save(SOME)
    before = file.totals
    (tmp_path / "counters.json").unlink()
    (tmp_path / "counters.json").mkdir()  # in the way, as a full disk would be
    assert not file.save(SOME + SOME) and not file.save(SOME + SOME)
    assert file.totals == before and len(told) == 1 and "counters stand still" in told[0]
    (tmp_path / "counters.json").rmdir()
    assert file.save(SOME + SOME) and file.totals["frames"] == 6


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "counters.json").mkdir()
    with pytest.raises(OutputError, match="the counters cannot be read"):
        CounterFile(tmp_path / "counters.json", LABELS, pytest.fail)


def test_each_network_device_and_set_of_labels_has_totals_of_its_own(tmp_path: Path) -> None:
    one = Station("m.tflite", "0" * 64, "1", "r")
    paths = {
        counter_path(tmp_path, device, station, labels)
        for device in ("pi", "pi-2")
        for station in (one, Station("m.tflite", "1" * 64, "1", "r"))
        for labels in (LABELS, ("b", "a"))
    }
    renamed = Station("other.tflite", "0" * 64, "2", "s")  # the same network, after an update of the rest
    assert len(paths) == 8 and counter_path(tmp_path, "pi", renamed, LABELS) in paths
