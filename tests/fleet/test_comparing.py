"""Two groups side by side: differences that were put there are found, others are not; intervals know of stations."""

import time
from dataclasses import replace

import numpy as np
import pytest

from edgecnn.fleet.comparing import compare_groups
from edgecnn.fleet.histograms import Histograms

EVEN = np.full(4, 0.25)
SURE, DOUBTFUL = np.array([0.0] * 8 + [0.2, 0.8]), np.array([0.0] * 4 + [0.5, 0.5] + [0.0] * 4)


def group(
    name: str,
    count: int,
    classes: np.ndarray = EVEN,
    scores: np.ndarray = SURE,
    frames: int = 2000,
    spread: float = 0.0,
    labels: str = "abcd",
) -> list[Histograms]:
    """Stations; with `spread`, each sees classes of its own shares."""
    random = np.random.default_rng([*name.encode()])
    devices = []
    for number in range(count):
        own = random.dirichlet(classes / spread) if spread else classes
        drawn = random.multinomial(frames, own), random.multinomial(frames, scores)
        found = Histograms(f"{name}-{number}", name, tuple(labels), *drawn, frames // 10, frames, float(frames))
        devices.append(found)
    return devices


def test_alike_groups_are_alike_and_the_figures_are_those_of_the_counts() -> None:
    first, second = group("old", 5), group("new", 3)
    found = compare_groups(first, second)
    assert found.devices == (5, 3) and found.frames == (10_000, 6000) and found.images == (10_000, 6000)
    assert found.classes is not None and found.classes.low == 0 and found.scores.psi < 0.01
    assert len([one for one in found.shares if one.differs]) <= 1  # of four intervals of 95 %
    shares = [one.classes / one.classes.sum() for one in first]
    assert [one.first for one in found.shares] == pytest.approx(np.mean(shares, axis=0).tolist())
    middles = [(part + 0.5) / 10 for part in range(10)]
    scores = np.mean([one.scores / one.frames for one in second], axis=0)
    assert found.confidence.second == pytest.approx(float(scores @ middles))
    assert found.unlike is not None and found.unlike.first == pytest.approx(0.1) and not found.unlike.differs


def test_another_mix_of_classes_and_lower_scores_are_found() -> None:
    found = compare_groups(group("old", 4), group("new", 4, np.array([0.7, 0.1, 0.1, 0.1]), DOUBTFUL))
    assert found.classes is not None and found.classes.low > 0.25 and found.scores.low > 0.25
    first = found.shares[0]
    assert first.name == "a" and first.low < first.difference < first.high and first.low > 0.4
    assert found.confidence.differs and found.confidence.difference == pytest.approx(0.5 - 0.93, abs=0.02)


def test_which_group_comes_first_changes_no_psi() -> None:
    one, other = group("old", 3), group("new", 3, np.array([0.8, 0.2, 0.0, 0.0]), DOUBTFUL)
    there, back = compare_groups(one, other), compare_groups(other, one)
    assert there.classes is not None and back.classes is not None
    assert there.classes.psi == pytest.approx(back.classes.psi) and there.scores.psi == pytest.approx(back.scores.psi)


def test_where_stations_differ_among_themselves_intervals_are_wider_than_frames_alone_would_say() -> None:
    alike = compare_groups(group("old", 6), group("new", 6)).shares[0]
    various = compare_groups(group("old", 6, spread=0.1), group("new", 6, spread=0.1)).shares[0]
    assert various.high - various.low > 3 * (alike.high - alike.low)


def test_models_with_other_classes_are_compared_by_their_scores_alone() -> None:
    found = compare_groups(group("old", 2), group("new", 2, labels="abce", scores=DOUBTFUL))
    assert found.classes is None and found.shares == () and found.scores.low > 0.25


def test_the_same_classes_in_another_order_are_the_same_classes() -> None:
    old, new = group("old", 3), group("new", 3, np.array([0.7, 0.1, 0.1, 0.1]))
    turned = [replace(one, labels=one.labels[::-1], classes=one.classes[::-1]) for one in new]
    assert compare_groups(old, turned) == compare_groups(old, new)
    assert [one.name for one in compare_groups(turned, old).shares] == ["d", "c", "b", "a"]


def test_thousands_of_classes_take_seconds() -> None:
    count = 4000
    sides = [group(name, 2, np.full(count, 1 / count), labels="x" * count) for name in ("old", "new")]
    named = [[replace(one, labels=tuple(map(str, range(count)))) for one in side] for side in sides]
    start = time.process_time()
    found = compare_groups(*named)
    assert time.process_time() - start < 30 and len(found.shares) == count
    assert found.shares[7].first == pytest.approx(np.mean([one.classes[7] / 2000 for one in named[0]]))


def test_what_is_not_known_of_a_station_is_not_known_of_its_group() -> None:
    old = [replace(group("old", 1)[0], unlike=None), *group("old", 2)]
    assert compare_groups(old, group("new", 2)).unlike is None


def test_one_station_a_side_will_do() -> None:
    found = compare_groups(group("old", 1), group("new", 1))
    assert found.devices == (1, 1) and found.classes is not None and found.classes.psi < 0.05


def test_intervals_of_differences_are_those_of_the_means_of_stations() -> None:
    """By the spread of the stations' own shares and the central limit theorem, without a bootstrap."""
    first, second = group("old", 40, spread=0.05), group("new", 60, np.array([0.4, 0.2, 0.2, 0.2]), spread=0.05)
    found = compare_groups(first, second)
    for number, share in enumerate(found.shares):
        own = [np.array([one.classes[number] / one.frames for one in side]) for side in (first, second)]
        margin = 1.96 * float(np.sqrt(sum(side.var(ddof=1) / len(side) for side in own)))
        difference = float(own[1].mean() - own[0].mean())
        expected = [difference - margin, difference + margin]
        assert [share.low, share.high] == pytest.approx(expected, abs=0.15 * 2 * margin)
    assert found.shares[0].differs


def test_absurdly_many_frames_are_compared() -> None:
    huge = group("huge", 2, frames=(1 << 62) - 1)
    found = compare_groups(huge, group("new", 2))
    assert found.classes is not None and 0 <= found.classes.low <= found.classes.psi < 0.01
