"""What a watcher saw in one frame, and how it is doing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgecnn.pixels.preprocessing import Prepared
from edgecnn.utc import utc

from ..drift import Drift
from ..map_reader import RawMap
from ..prediction import Prediction
from .frames import Frame
from .steady import Verdict


@dataclass(frozen=True)
class Observation:
    """One frame, classified.

    Attributes:
        frame: as it came.
        prepared: what the model saw of it, with the region that was cut out and the size of the whole.
        predictions: the most probable classes, best first.
        verdict: the steady answer after this frame; None while there is none yet.
        changed: whether that is another one than before.
        drift: where the image is unlike those at calibration, as far as it was looked at last; empty if nowhere.
        maps: feature maps of the layers that were asked for, by name.
        ready: when all this was known, seconds of `time.monotonic`.
        latency_ms: how long the model took for its answer: decoded, prepared and run.
    """

    frame: Frame
    prepared: Prepared
    predictions: tuple[Prediction, ...]
    verdict: Verdict | None
    changed: bool
    drift: tuple[Drift, ...]
    maps: Mapping[str, RawMap]
    ready: float
    latency_ms: float


@dataclass(frozen=True)
class Status:
    """How a watcher is doing.

    Attributes:
        source: what it reads, in words.
        frames: how many it has classified.
        dropped: how many made way for newer ones.
        damaged: how many were no whole images.
        trouble: what is wrong with the source now, a sentence; empty while frames come.
        running: whether it goes on.
        shadow: how the model beside it is doing, in a few words; empty where there is none.
    """

    source: str
    frames: int
    dropped: int
    damaged: int
    trouble: str
    running: bool
    shadow: str = ""


@dataclass(frozen=True)
class Change:
    """The steady answer became another one.

    Attributes:
        verdict: the new one.
        previous: label of the one before; None for the first.
        drift: where the image is unlike those at calibration, a sentence each.
    """

    verdict: Verdict
    previous: str | None
    drift: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """The same for JSON."""
        row = asdict(self.verdict)
        del row["since"]
        return {"time": utc(self.verdict.since), **row, "previous": self.previous, "drift": list(self.drift)}
