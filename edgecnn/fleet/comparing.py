"""Two groups of stations side by side: two models, two releases, or two places."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .histograms import Histograms
from .stability import RESAMPLES, Floats, Index, basic_interval, bins_of, merged, psi, shares

_MIDDLES = (np.arange(10) + 0.5) / 10  # of the parts of the scores


@dataclass(frozen=True)
class Share:
    """A figure of both groups.

    Attributes:
        name: what it is of.
        first: in the first group.
        second: in the second.
        difference: second less first.
        low: lower end of the difference's interval of 95 %.
        high: upper end.
    """

    name: str
    first: float
    second: float
    difference: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether 0 is outside the interval."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True)
class Groups:
    """What two groups answer.

    Attributes:
        devices: how many stations each has, of those with enough images.
        frames: they have told of.
        images: of their own that the frames are worth.
        classes: how far apart the histograms of classes are; None where the models have other classes.
        scores: likewise of scores.
        shares: of each class; empty where the models have other classes.
        confidence: the mean score of the best class, from the histograms.
        unlike: share of the frames unlike the calibration; None where that is not known of a station.
    """

    devices: tuple[int, int]
    frames: tuple[int, int]
    images: tuple[float, float]
    classes: Index | None
    scores: Index
    shares: tuple[Share, ...]
    confidence: Share
    unlike: Share | None


def compare_groups(first: Sequence[Histograms], second: Sequence[Histograms], *, seed: int = 0) -> Groups:
    """Compare what two groups have answered; each station counts as much as any other.

    The intervals are of a bootstrap that draws stations anew and of each its images: what differs between stations is
    in them as far as a group has more than one.

    Args:
        first: stations, at least one.
        second: likewise.
        seed: of the bootstrap.
    """
    random = np.random.default_rng(seed)
    sides = (first, second)
    labels = first[0].labels
    alike = all(set(one.labels) == set(labels) for side in sides for one in side)
    scores = _Drawn(lambda one: one.scores, sides, random)
    classes = _Drawn(_in_order(labels), sides, random) if alike else None
    is_known = all(one.unlike is not None for side in sides for one in side)
    unlike = _Drawn(_unlike_and_not, sides, random) if is_known else None
    return Groups(
        (len(first), len(second)),
        (sum(one.frames for one in first), sum(one.frames for one in second)),
        (sum(one.images for one in first), sum(one.images for one in second)),
        classes.index() if classes else None,
        scores.index(),
        classes.shares(labels) if classes else (),
        scores.share("mean score", _MIDDLES),
        unlike.share("frames unlike the calibration", np.array([1.0, 0.0])) if unlike else None,
    )


def _in_order(labels: tuple[str, ...]) -> Callable[[Histograms], npt.NDArray[np.int64]]:
    """What gives the classes in the order of `labels`, whatever that is in a station's model."""

    def classes(one: Histograms) -> npt.NDArray[np.int64]:
        place = {label: number for number, label in enumerate(one.labels)}
        return one.classes[[place[label] for label in labels]]

    return classes


def _unlike_and_not(one: Histograms) -> npt.NDArray[np.int64]:
    unlike = min(one.unlike or 0, one.frames)
    return np.array([unlike, one.frames - unlike])


class _Drawn:
    """Histograms of two groups, and what they might have been as well."""

    def __init__(
        self,
        counts_of: Callable[[Histograms], npt.NDArray[np.int64]],
        sides: tuple[Sequence[Histograms], Sequence[Histograms]],
        random: np.random.Generator,
    ) -> None:
        self._images = [sum(one.images for one in side) for side in sides]
        self._plain: list[Floats] = []
        self._redrawn: list[Floats] = []
        for side in sides:
            counts = np.array([counts_of(one) for one in side], np.float64)
            images = np.array([max(1.0, one.images) for one in side])
            plain = counts / counts.sum(axis=1, keepdims=True)
            own, whole = shares(plain * images[:, None]), np.rint(images).astype(np.int64)
            drawn = np.empty((RESAMPLES, counts.shape[1]))
            for number in range(RESAMPLES):
                chosen = random.integers(0, len(side), len(side))
                again = random.multinomial(whole[chosen], own[chosen]).astype(np.float64)
                drawn[number] = (again / again.sum(axis=1, keepdims=True)).mean(axis=0)
            self._plain.append(plain.mean(axis=0))
            self._redrawn.append(drawn)

    def share(self, name: str, weights: Floats) -> Share:
        """A weighted sum of the bins, with the percentile interval of its difference."""
        one, two = (float(plain @ weights) for plain in self._plain)
        low, high = np.quantile(self._redrawn[1] @ weights - self._redrawn[0] @ weights, [0.025, 0.975])
        return Share(name, one, two, two - one, float(low), float(high))

    def shares(self, names: Sequence[str]) -> tuple[Share, ...]:
        """Each bin, with the percentile interval of its difference."""
        first, second = self._plain
        low, high = np.quantile(self._redrawn[1] - self._redrawn[0], [0.025, 0.975], axis=0)
        rows = zip(names, first.tolist(), second.tolist(), low.tolist(), high.tolist(), strict=True)
        return tuple(Share(name, one, two, two - one, down, up) for name, one, two, down, up in rows)

    def index(self) -> Index:
        """How far apart the groups are; neither of them is the measure of the other."""
        bins = bins_of((self._plain[0] + self._plain[1]) / 2 * min(self._images))

        def apart(pair: list[Floats]) -> Floats:
            here, there = (shares(merged(each * n, bins)) for each, n in zip(pair, self._images, strict=True))
            return psi(here, there)

        return basic_interval(float(apart(self._plain)), apart(self._redrawn))
