"""The station that answers otherwise is found, in fleets large and small, and those with too little to say are told."""

import numpy as np
import pytest

from edgecnn.fleet.drift import compare_with_fleet
from edgecnn.fleet.fleet import Device
from edgecnn.fleet.histograms import Histograms, histograms
from edgecnn.fleet.messages import Counters

EVEN, SURE = [0.1] * 10, [0.0] * 5 + [0.05, 0.05, 0.1, 0.2, 0.6]


def told(
    name: str, classes: list[float], scores: list[float], frames: int = 600, images: float | None = None, **rest: str
) -> Histograms:
    random = np.random.default_rng([*name.encode()])
    labels = tuple(f"class {number}" for number in range(len(classes)))
    drawn = random.multinomial(frames, classes), random.multinomial(frames, scores)
    network = rest.get("network", "n")
    return Histograms(name, network, labels, *drawn, 0, 0, frames, float(frames if images is None else images))


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


def test_a_thousand_classes_of_which_few_are_seen_raise_no_alarm() -> None:
    shares = np.random.default_rng(1).dirichlet([0.05] * 1000).tolist()
    rows = compare_with_fleet([told(f"pi-{number}", shares, SURE, frames=300) for number in range(12)])
    assert not [row for row in rows if row.verdict == "otherwise"]


def totals(classes: tuple[int, ...], id: str = "1") -> Counters:
    scores = (0,) * 9 + (sum(classes),)
    frames = sum(classes)
    return Counters(id, 0.0, frames, frames // 2, ("a", "b"), classes, scores, frames // 4, frames - 1, frames // 3)


def test_since_an_earlier_look_only_what_came_to_it_counts() -> None:
    device = Device("pi", counters=totals((90, 210)))
    whole, new = histograms(device), histograms(device, {"pi": totals((80, 20))})
    assert whole is not None and whole.classes.tolist() == [90, 210] and whole.frames == 300
    assert new is not None and new.classes.tolist() == [10, 190] and new.frames == 200 and new.scores[9] == 200
    assert new.doubtful == 100 and new.unlike == 50
    for other in (totals((80, 20), id="2"), totals((100, 20))):  # counting began anew
        anew = histograms(device, {"pi": other})
        assert anew is not None and anew.frames == 300
    assert histograms(Device("pi"), {"pi": totals((1, 1))}) is None
