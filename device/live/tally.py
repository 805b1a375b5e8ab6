"""What a watcher has seen so far, in numbers: what MQTT and Prometheus tell."""

import threading
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from ..drift import Drift
from .observation import Change, Observation
from .steady import Verdict

K = TypeVar("K")

# Upper edges of the parts of the histogram of scores; a score belongs to the first that is not below it.
EDGES = tuple(tenth / 10 for tenth in range(1, 11))
_MOST_TIMES = 100  # of frames, for their rate
_RATE_SECONDS = 60.0


@dataclass(frozen=True)
class Counts:
    """Totals, which only grow.

    Attributes:
        frames: how many were classified.
        dropped: how many made way for newer ones.
        damaged: how many were no whole images.
        doubtful: how many had no class at the threshold or above.
        changes: of the steady answer.
        classes: label to the frames whose best class it was; every class of the model.
        scores: frames by the score of their best class, in the parts that end at `EDGES`.
        score_sum: of all best scores.
        drift: (layer, kind) to the frames at which the newest look for drift found that.
        compared: frames that another one of the same process came before.
        switches: how many of those have another best class than it. Frames of one scene answer alike: so it can be told
            how many images of their own the frames are worth.
    """

    frames: int
    dropped: int
    damaged: int
    doubtful: int
    changes: int
    classes: Mapping[str, int]
    scores: tuple[int, ...]
    score_sum: float
    drift: Mapping[tuple[str, str], int] = field(default_factory=dict)
    compared: int = 0
    switches: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Of both together."""
        return Counts(
            self.frames + other.frames,
            self.dropped + other.dropped,
            self.damaged + other.damaged,
            self.doubtful + other.doubtful,
            self.changes + other.changes,
            _sum(self.classes, other.classes),
            tuple(a + b for a, b in zip(self.scores, other.scores, strict=True)),
            self.score_sum + other.score_sum,
            _sum(self.drift, other.drift),
            self.compared + other.compared,
            self.switches + other.switches,
        )


def no_counts(labels: Sequence[str]) -> Counts:
    """Zeros for a model with these classes."""
    return Counts(0, 0, 0, 0, 0, dict.fromkeys(labels, 0), (0,) * len(EDGES), 0.0)


@dataclass(frozen=True)
class Moment:
    """How things are now.

    Attributes:
        answer: the steady one; None before the first.
        drift: what the newest look for drift found.
        last_frame: when the newest classified frame came, seconds since 1970; None before the first.
        age: seconds since then; None before the first.
        rate: classified frames a second, over the last minute or hundred frames.
    """

    answer: Verdict | None
    drift: tuple[Drift, ...]
    last_frame: float | None
    age: float | None
    rate: float


class Tally:
    """Counts what a watcher sees, from now on: a listener of it, and with `change` one of its changes.

    Others may read from any thread.
    """

    def __init__(self, labels: Sequence[str], threshold: float) -> None:
        """Begin at zero.

        Args:
            labels: the model's classes in output order.
            threshold: the lowest score without doubt.
        """
        self._labels, self._threshold = labels, threshold
        self._lock = threading.Lock()
        self._frames = self._doubtful = self._changes = 0
        self._classes, self._scores, self._score_sum = [0] * len(labels), [0] * len(EDGES), 0.0
        self._drift: dict[tuple[str, str], int] = {}
        self._switches = 0
        self._answer: Verdict | None = None
        self._latest: Observation | None = None
        self._times: deque[float] = deque(maxlen=_MOST_TIMES)

    def __call__(self, seen: Observation) -> None:
        """Count a frame."""
        best = seen.predictions[0]
        with self._lock:
            if self._latest is not None:
                self._switches += best.index != self._latest.predictions[0].index
            self._latest = seen
            self._frames += 1
            self._doubtful += best.score < self._threshold
            self._classes[best.index] += 1
            self._scores[min(bisect_left(EDGES, best.score), len(EDGES) - 1)] += 1
            self._score_sum += best.score
            for key in {(one.layer, one.kind) for one in seen.drift}:
                self._drift[key] = self._drift.get(key, 0) + 1
            self._times.append(seen.ready)

    def change(self, change: Change) -> None:
        """Count a change of the steady answer."""
        with self._lock:
            self._changes += 1
            self._answer = change.verdict

    def counts(self, dropped: int, damaged: int) -> Counts:
        """The totals; of what never became an observation the watcher's status knows the numbers."""
        with self._lock:
            return Counts(
                self._frames,
                dropped,
                damaged,
                self._doubtful,
                self._changes,
                dict(zip(self._labels, self._classes, strict=True)),
                tuple(self._scores),
                self._score_sum,
                dict(self._drift),
                max(0, self._frames - 1),
                self._switches,
            )

    def moment(self) -> Moment:
        """How things are now."""
        now = time.monotonic()
        with self._lock:
            times = [one for one in self._times if one > now - _RATE_SECONDS]
            # A frame is not yet the time up to the next one, so that n frames are n - 1 spans.
            rate = (len(times) - 1) / max(now - times[0], 0.001) if len(times) > 1 else 0.0
            if self._latest is None:
                return Moment(self._answer, (), None, None, rate)
            frame = self._latest.frame
            return Moment(self._answer, self._latest.drift, frame.time, max(0.0, now - frame.monotonic), rate)


def _sum(one: Mapping[K, int], other: Mapping[K, int]) -> dict[K, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in [*one, *(key for key in other if key not in one)]}
