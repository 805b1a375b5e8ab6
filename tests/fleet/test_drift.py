"""The station that answers otherwise is found, in fleets large and small, and those with too little to say are told."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.fleet.as_json import read_totals, status_row
from edgecnn.fleet.drift import compare_with_fleet
from edgecnn.fleet.fleet import Device, Fleet
from edgecnn.fleet.histograms import Histograms, histograms
from edgecnn.fleet.messages import Counters, read_counters
from tests.support.fleets import counters

EVEN, SURE = [0.1] * 10, [0.0] * 5 + [0.05, 0.05, 0.1, 0.2, 0.6]


def told(
    name: str, classes: list[float], scores: list[float], frames: int = 600, images: float | None = None, **rest: str
) -> Histograms:
    random = np.random.default_rng([*name.encode()])
    labels = tuple(f"class {number}" for number in range(len(classes)))
    drawn = random.multinomial(frames, classes), random.multinomial(frames, scores)
    network = rest.get("network", "n")
    return Histograms(name, network, labels, *drawn, 0, frames, float(frames if images is None else images))


@pytest.mark.parametrize("count", [3, 4, 40])
@pytest.mark.parametrize("kind", ["classes", "scores"])
def test_the_one_that_answers_otherwise_is_found_and_no_other(count: int, kind: str) -> None:
    fleet = [told(f"pi-{number}", EVEN, SURE) for number in range(count - 1)]
    odd = {"classes": ([0.64] + [0.04] * 9, SURE), "scores": (EVEN, SURE[::-1])}[kind]
    rows = compare_with_fleet([*fleet, told("odd", *odd)])
    assert [row.device for row in rows if row.verdict == "otherwise"] == ["odd"]
    assert [row.device for row in rows if row.verdict == "like the fleet"] == [one.device for one in fleet]
    last = rows[-1]
    index = getattr(last, kind)
    assert index.low <= index.psi <= index.high and index.low > 0.25 and last.peers == count
    if kind == "classes":
        assert last.most is not None and last.most[0] == "class 0" and last.most[1] > 0.55 > 0.2 > last.most[2]


def test_a_station_with_many_frames_is_no_yardstick_for_the_others() -> None:
    many = told("busy", [0.64] + [0.04] * 9, SURE, frames=1_000_000)
    rows = compare_with_fleet([many, *(told(f"pi-{number}", EVEN, SURE) for number in range(4))])
    assert [row.verdict for row in rows] == ["otherwise", *["like the fleet"] * 4]


def test_too_little_is_said_to_be_too_little() -> None:
    odd, plenty = [0.64] + [0.04] * 9, [told(f"pi-{number}", EVEN, SURE) for number in range(3)]
    rows = compare_with_fleet([*plenty, told("new", odd, SURE, frames=99), told("still", odd, SURE, images=3.0)])
    assert [row.verdict for row in rows[3:]] == ["too few images"] * 2 and rows[3].classes is None
    assert {row.peers for row in rows} == {3}
    rows = compare_with_fleet([*plenty[:2], told("other", EVEN, SURE, network="m")])
    assert [row.verdict for row in rows] == ["too few devices"] * 3 and compare_with_fleet([]) == []


def test_few_images_are_not_sure_and_many_are() -> None:
    tilted = [0.18] * 5 + [0.02] * 5  # an index of 0.88 to the even ones
    plenty = [told(f"pi-{number}", EVEN, SURE, frames=5000) for number in range(5)]
    verdicts = [
        compare_with_fleet([*plenty, told("tilted", tilted, SURE, frames=frames)], most=0.8)[-1].verdict
        for frames in (100, 50_000)
    ]
    assert verdicts == ["not sure", "otherwise"]


def test_models_with_other_classes_or_networks_are_no_peers() -> None:
    fleet = [told(f"a-{number}", EVEN, SURE) for number in range(3)]
    fleet += [told(f"b-{number}", [0.64] + [0.04] * 9, SURE, network="m") for number in range(3)]
    fleet += [told(f"c-{number}", [0.5, 0.5], SURE) for number in range(3)]
    assert {row.verdict for row in compare_with_fleet(fleet)} == {"like the fleet"}


def test_stations_that_do_not_say_what_they_run_are_nobodys_peers() -> None:
    silent = [told(f"x-{number}", [0.64] + [0.04] * 9, SURE, network="") for number in range(3)]
    rows = compare_with_fleet([*silent, *(told(f"a-{number}", EVEN, SURE) for number in range(3))])
    assert [row.device for row in rows] == ["a-0", "a-1", "a-2"] and {row.peers for row in rows} == {3}


def test_a_thousand_classes_of_which_few_are_seen_raise_no_alarm() -> None:
    shares = np.random.default_rng(1).dirichlet([0.05] * 1000).tolist()
    rows = compare_with_fleet([told(f"pi-{number}", shares, SURE, frames=300) for number in range(12)])
    assert len(rows) == 12 and {row.verdict for row in rows} <= {"like the fleet", "not sure"}


def totals(classes: tuple[int, ...], id: str = "1") -> Counters:
    scores = (0,) * 9 + (sum(classes),)
    frames = sum(classes)
    return Counters(id, 0.0, frames, frames // 2, ("a", "b"), classes, scores, frames // 4, frames - 1, frames // 3)


def test_since_an_earlier_look_only_what_came_to_it_counts() -> None:
    device = Device("pi", counters=totals((90, 210)))
    whole, new = histograms(device), histograms(device, {"pi": totals((80, 20))})
    assert whole is not None and whole.classes.tolist() == [90, 210] and whole.frames == 300
    assert new is not None and new.classes.tolist() == [10, 190] and new.frames == 200 and new.scores[9] == 200
    assert new.unlike is None  # of the looks before only the largest count was kept
    for other in (totals((80, 20), id="2"), totals((100, 20))):  # counting began anew
        anew = histograms(device, {"pi": other})
        assert anew is not None and anew.frames == 300
    assert histograms(Device("pi"), {"pi": totals((1, 1))}) is None


@pytest.mark.parametrize(
    ("before", "now", "unlike"),
    [
        ({"conv": {"saturated": 900, "dead": 0}}, {"conv": {"saturated": 900, "dead": 880}}, 880),
        ({"conv": {"saturated": 900}}, {"conv": {"saturated": 910}, "dense": {"saturated": 300}}, 300),
        ({"conv": {"saturated": 900}}, {"conv": {"saturated": 900}}, 0),
        ({"conv": {"saturated": 9}, "gone": {"dead": 7}}, {"conv": {"saturated": 8}}, 0),
        ({}, {}, 0),
        ({}, {"conv": {"dead": 3}}, 3),
        ({"conv": {"dead": 1}}, {}, 0),
    ],
)
def test_what_was_unlike_the_calibration_since_then_is_counted_by_layer_and_kind(
    before: dict[str, Any], now: dict[str, Any], unlike: int, tmp_path: Path
) -> None:
    """The earlier totals are read from what was printed then, and from what an older edgecnn would have printed."""
    earlier, later = (
        read_counters(json.dumps(counters(classes, [0] * 9 + [sum(classes)], ("a", "b"), drift=drift)).encode())
        for classes, drift in (((900, 100), before), ((1900, 100), now))
    )
    row = status_row(Fleet("x", 0.0, (Device("pi", counters=earlier),)), [])
    for is_old in (False, True):
        if is_old:
            del row["devices"][0]["counters"]["drift"]
        (tmp_path / "before.json").write_text(json.dumps(row))
        found = histograms(Device("pi", counters=later), read_totals(tmp_path / "before.json"))
        assert found is not None and found.frames == 1000
        assert found.unlike == (unlike if not is_old or not before else None)


def one_again(fleet: list[Histograms], number: int, random: np.random.Generator) -> tuple[float, float, float]:
    """The index of a station and its basic bootstrap interval, written anew in plain loops."""

    def index(counts: list[list[float]]) -> float:
        own = [[one / sum(row) for one in row] for row in counts]
        middle = [sorted(column)[len(own) // 2] for column in zip(*own, strict=True)]  # of an odd number
        total, bins = sum(counts[number]), len(middle)
        here = [(one + 0.5) / (total + 0.5 * bins) for one in counts[number]]
        there = [(one / sum(middle) * total + 0.5) / (total + 0.5 * bins) for one in middle]
        return float(sum((p - q) * math.log(p / q) for p, q in zip(here, there, strict=True)))

    counts = [one.classes.tolist() for one in fleet]
    smooth = [[(one + 0.5) / (sum(row) + 0.5 * len(row)) for one in row] for row in counts]
    drawn = [
        index([random.multinomial(sum(row), p).tolist() for row, p in zip(counts, smooth, strict=True)])
        for _ in range(1500)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    point = index(counts)
    return point, max(0.0, min(point, 2 * point - high)), max(point, 2 * point - low)


@pytest.mark.parametrize("shares", [EVEN, [0.3] + [0.07] * 9 + [0.07]])
def test_the_interval_is_that_of_a_bootstrap_made_by_hand(shares: list[float]) -> None:
    even = [1 / len(shares)] * len(shares)
    fleet = [told(f"pi-{number}", even, SURE, frames=500) for number in range(4)] + [told("odd", shares, SURE, 500)]
    point, low, high = one_again(fleet, 4, np.random.default_rng(5))
    index = compare_with_fleet(fleet)[4].classes
    assert index is not None and index.psi == pytest.approx(point)
    # The ends are quantiles of 400 and of 1,500 draws: they are apart by a tenth of the width.
    assert [index.low, index.high] == pytest.approx([low, high], abs=0.15 * (high - low))


@pytest.mark.parametrize(("devices", "classes", "frames"), [(3, 10, 100), (4, 2, 12), (12, 100, 60)])
def test_few_images_of_one_population_raise_no_alarm(devices: int, classes: int, frames: int) -> None:
    """Of 36 stations, whose frames are drawn from the same shares."""
    verdicts = Counter(
        row.verdict
        for fleet in range(36 // devices)
        for row in compare_with_fleet(
            [told(f"{fleet}-{one}", [1 / classes] * classes, SURE, frames=frames) for one in range(devices)], least=10
        )
    )
    assert verdicts["otherwise"] <= 1 and verdicts["like the fleet"] > verdicts["otherwise"]


def test_two_stations_one_class_and_absurd_numbers_are_no_alarm_and_no_crash() -> None:
    two = [told("a", EVEN, SURE), told("b", [0.64] + [0.04] * 9, SURE)]
    assert {row.verdict for row in compare_with_fleet(two)} == {"too few devices"}
    one_class = [told(f"pi-{number}", [1.0], SURE) for number in range(3)]
    assert {row.verdict for row in compare_with_fleet(one_class)} == {"like the fleet"}
    huge = told("huge", EVEN, SURE, frames=(1 << 62) - 1)
    rows = compare_with_fleet([huge, *(told(f"pi-{number}", EVEN, SURE) for number in range(3))])
    assert {row.verdict for row in rows} == {"like the fleet"}
