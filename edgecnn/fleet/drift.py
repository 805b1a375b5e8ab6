"""Which stations answer otherwise than the others of the same model.

The yardstick is the median over the stations: of each class and each part of the scores the share that half of them
stay below. Neither a station with many frames nor a few odd ones move it far.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .histograms import Histograms
from .stability import RESAMPLES, Floats, Index, basic_interval, bins_of, merged, psi, shares

Verdict = Literal["like the fleet", "otherwise", "not sure", "too few images", "too few devices"]
FEWEST_DEVICES = 3  # of two that differ, nobody can say which is odd


@dataclass(frozen=True)
class Comparison:
    """A station beside the others of its model.

    Attributes:
        device: its name.
        network: SHA-256 of its model's network.
        peers: how many stations of the model there are, it among them, that have images enough.
        frames: how many it has told of.
        images: how many images of their own they are worth.
        classes: how far its histogram of classes is from the fleet's; None where there is too little for that.
        scores: likewise of scores.
        verdict: in words.
        most: the class whose share differs most, with its share here and in the fleet; None without a comparison.
    """

    device: str
    network: str
    peers: int
    frames: int
    images: float
    classes: Index | None
    scores: Index | None
    verdict: Verdict
    most: tuple[str, float, float] | None


def compare_with_fleet(
    devices: Iterable[Histograms], *, least: int = 100, most: float = 0.25, seed: int = 0
) -> list[Comparison]:
    """Each station beside the others of the same model and classes; nobody knows whose peer one without a model is.

    Args:
        devices: what the stations have answered.
        least: images that a station must have.
        most: the largest index that still counts as the same answers; a station answers otherwise where the whole
            interval of either of its indices lies above it.
        seed: of the bootstrap.

    Returns:
        one for each station that has said what it runs, in their order.
    """
    rows = [one for one in devices if one.network]
    groups: dict[tuple[str, tuple[str, ...]], list[Histograms]] = {}
    for one in rows:
        groups.setdefault((one.network, one.labels), []).append(one)
    found = {
        comparison.device: comparison for group in groups.values() for comparison in _of_group(group, least, most, seed)
    }
    return [found[one.device] for one in rows]


def _of_group(group: Sequence[Histograms], least: int, most: float, seed: int) -> list[Comparison]:
    enough = [one for one in group if one.images >= least]

    def without(one: Histograms, verdict: Verdict) -> Comparison:
        return Comparison(one.device, one.network, len(enough), one.frames, one.images, None, None, verdict, None)

    done = {one.device: without(one, "too few images") for one in group}
    if len(enough) < FEWEST_DEVICES:
        done |= {one.device: without(one, "too few devices") for one in enough}
        return list(done.values())
    images = np.array([one.images for one in enough])
    classes = _indices([one.classes for one in enough], images, np.random.default_rng(seed))
    scores = _indices([one.scores for one in enough], images, np.random.default_rng(seed))
    own = _shares_of(lambda one: one.classes, enough)
    typical = _median(own)
    for number, one in enumerate(enough):
        verdict = _verdict((classes[number], scores[number]), most)
        label = int(np.abs(own[number] - typical).argmax())
        moved = one.labels[label], float(own[number, label]), float(typical[label])
        done[one.device] = replace(without(one, verdict), classes=classes[number], scores=scores[number], most=moved)
    return list(done.values())


def _verdict(indices: Sequence[Index], most: float) -> Verdict:
    if any(one.low > most for one in indices):
        return "otherwise"
    return "not sure" if any(one.high > most for one in indices) else "like the fleet"


def _shares_of(kind: Callable[[Histograms], np.ndarray], group: Sequence[Histograms]) -> Floats:
    """Plain shares, float64 (devices, bins)."""
    counts: Floats = np.array([kind(one) for one in group], np.float64)
    counts /= counts.sum(axis=1, keepdims=True)
    return counts


def _median(own: Floats) -> Floats:
    """What is typical: the median share of each bin, together 1; float64 (bins,)."""
    middle: Floats = np.median(own, axis=0)
    total = float(middle.sum())
    return middle / total if total > 0 else np.asarray(own.mean(axis=0))


def _indices(counts: Sequence[np.ndarray], images: Floats, random: np.random.Generator) -> list[Index]:
    """How far each station is from the median, with its interval.

    Args:
        counts: of each station, (bins,).
        images: that the counts of each are worth, float64 (devices,).
        random: draws anew.
    """
    table = np.array(counts, np.float64)
    table *= (images / table.sum(axis=1))[:, None]  # as many images as the frames are worth
    typical = _median(table / table.sum(axis=1, keepdims=True))
    bins = bins_of(typical * float(np.median(images)))
    table = merged(table, bins)
    here = shares(table)
    whole = np.maximum(1, np.rint(images)).astype(np.int64)
    drawn = np.empty((RESAMPLES, len(table)))
    for number in range(RESAMPLES):
        drawn[number] = _from_median(random.multinomial(whole, here).astype(np.float64))
    points = _from_median(table)
    return [basic_interval(float(point), drawn[:, number]) for number, point in enumerate(points)]


def _from_median(table: Floats) -> Floats:
    """The index of each row of counts from the median of all, float64 (devices,)."""
    totals = table.sum(axis=1, keepdims=True)
    # What is typical has the resolution of the station that it is held against: its rare classes are no rarer.
    return psi(shares(table), shares(_median(table / totals) * totals))
