"""What is compared of a station: histograms of classes and of scores, of all time or since an earlier look."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .fleet import Device
from .messages import Counters
from .stability import worth


@dataclass(frozen=True)
class Histograms:
    """What a station has answered.

    Attributes:
        device: its name.
        network: SHA-256 of its model's network; empty where the station has not said it.
        labels: of the classes.
        classes: frames of each, int64.
        scores: frames by their best score in tenths, int64 (10,).
        unlike: frames of the layer and kind that was most often unlike the calibration; None where it is not known.
        frames: how many there are.
        images: how many images of their own they are worth.
    """

    device: str
    network: str
    labels: tuple[str, ...]
    classes: npt.NDArray[np.int64]
    scores: npt.NDArray[np.int64]
    unlike: int | None
    frames: int
    images: float


def histograms(device: Device, since: Mapping[str, Counters] | None = None) -> Histograms | None:
    """What a station has answered, in all or since earlier totals; None where it has told none.

    Args:
        device: the station.
        since: totals of before, by station. Those of another count, or of a station that is new, are no part of it.
    """
    now = device.counters
    if now is None:
        return None
    before = (since or {}).get(device.name)
    if before is not None and not goes_on(before, now):
        before = None
    classes, scores = np.array(now.classes, np.int64), np.array(now.scores, np.int64)
    frames, unlike = now.frames, now.unlike if before is None else _unlike_since(before, now)
    compared, switches = now.compared, now.switches
    if before is not None:
        classes, scores = classes - np.array(before.classes), scores - np.array(before.scores)
        frames -= before.frames
        if compared is not None and switches is not None:
            compared = max(0, compared - (before.compared or 0))
            switches = min(compared, max(0, switches - (before.switches or 0)))
    images = worth(frames, classes, compared, switches)
    return Histograms(device.name, device.network, now.labels, classes, scores, unlike, frames, images)


def goes_on(before: Counters, now: Counters) -> bool:
    """Whether totals are those of before and what came to them."""
    return (
        before.id == now.id
        and before.labels == now.labels
        and all(old <= new for old, new in zip(before.classes, now.classes, strict=True))
        and all(old <= new for old, new in zip(before.scores, now.scores, strict=True))
    )


def _unlike_since(before: Counters, now: Counters) -> int | None:
    """The most that came to a layer and kind, which need not be that with most in all; None where nobody knows."""
    if not before.unlike:
        return now.unlike
    if before.drift is None or now.drift is None:
        return None
    differences = (
        count - before.drift.get(layer, {}).get(kind, 0)
        for layer, kinds in now.drift.items()
        for kind, count in kinds.items()
    )
    return max((0, *differences))
