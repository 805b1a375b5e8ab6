"""How often a model in the shadow of another one gives the same answer, and how fast both are."""

from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from edgecnn.wilson import wilson_interval

from ..bulk.answer_counts import UNREADABLE

_NAMED = 10  # kinds of disagreement that a message holds
_MOST_TIMES = 1000  # of which the medians are


@dataclass(frozen=True)
class ShadowReport:
    """What has been seen of a shadow.

    Attributes:
        model: its file's name, or that of a bundled model.
        network_sha256: of the network in the file.
        frames: how many both have classified.
        agreeing: of how many of them both name the same class first.
        skipped: how many the shadow did not see, because it was not done with the one before.
        latency_ms: of the shadow, median of the newest thousand: decoded, prepared and run; None before the first.
        model_latency_ms: of the model that answers, of the same frames.
        disagreements: (class of the model that answers, class of the shadow) to frames.
        trouble: why the shadow has ended; empty while it runs.
    """

    model: str
    network_sha256: str
    frames: int
    agreeing: int
    skipped: int
    latency_ms: float | None
    model_latency_ms: float | None
    disagreements: dict[tuple[str, str], int]
    trouble: str

    @property
    def agreement(self) -> float | None:
        """Share of the frames, 0 to 1; None before the first."""
        return self.agreeing / self.frames if self.frames else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of `agreement`, for frames that have nothing to do with each other."""
        if not self.frames:
            return None
        return wilson_interval(self.agreeing, self.frames)

    @property
    def most_frequent(self) -> list[tuple[tuple[str, str], int]]:
        """The disagreements, the most frequent first."""
        return sorted(self.disagreements.items(), key=lambda one: -one[1])

    def row(self) -> dict[str, Any]:
        """The same for JSON; of the disagreements the ten that are most frequent."""
        return {
            "model": self.model,
            "network_sha256": self.network_sha256,
            "frames": self.frames,
            "agreeing": self.agreeing,
            "skipped": self.skipped,
            "agreement": self.agreement,
            "interval": self.interval and list(self.interval),
            "latency_ms": self.latency_ms,
            "model_latency_ms": self.model_latency_ms,
            "disagreements": [
                {"label": label, "shadow_label": other, "frames": count}
                for (label, other), count in self.most_frequent[:_NAMED]
            ],
            "trouble": self.trouble,
        }


@dataclass
class ShadowTally:
    """Counts; of one thread at a time."""

    frames: int = 0
    agreeing: int = 0
    disagreements: Counter[tuple[str, str]] = field(default_factory=Counter)
    times_ms: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=_MOST_TIMES))

    def add(self, label: str, shadow_label: str | None, latency_ms: float, shadow_latency_ms: float) -> None:
        """Count a frame: what each names first, None of a shadow that cannot use it, and how long each took."""
        self.frames += 1
        self.times_ms.append((latency_ms, shadow_latency_ms))
        if label == shadow_label:
            self.agreeing += 1
        else:
            self.disagreements[label, UNREADABLE if shadow_label is None else shadow_label] += 1

    def report(self, model: str, network_sha256: str, skipped: int, trouble: str) -> ShadowReport:
        """What was counted."""
        own, others = zip(*self.times_ms, strict=True) if self.times_ms else ((), ())
        return ShadowReport(
            model,
            network_sha256,
            self.frames,
            self.agreeing,
            skipped,
            round(median(others), 3) if others else None,
            round(median(own), 3) if own else None,
            dict(self.disagreements),
            trouble,
        )
