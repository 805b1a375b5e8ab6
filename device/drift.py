"""Without labels, in the field: are images and feature maps still like those at calibration?"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import INPUT, LayerRange

from .runtime.loading import LoadedModel
from .runtime.tensor_spec import TensorSpec

# By how much of the calibrated width a value, or an image's mean, may lie outside.
VALUE_MARGIN = 0.25
MEAN_MARGIN = 0.25
SATURATED = 0.01  # share of values at an end of the integers' range
FEW = 20  # images, of which a channel may be constant by chance


@dataclass(frozen=True)
class Drift:
    """What is odd about one layer for one image.

    Attributes:
        layer: its name; `image` for the input.
        kind: `outside calibration` or `saturated`.
        words: how far.
    """

    layer: str
    kind: str
    words: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.kind} ({self.words})"


@dataclass
class _Seen:
    """One layer over the batch so far."""

    lowest: npt.NDArray[np.float32] | None = None
    highest: npt.NDArray[np.float32] | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, values: npt.NDArray[np.float32], found: Sequence[Drift]) -> None:
        channels = values.reshape(-1, values.shape[-1])
        low, high = channels.min(axis=0), channels.max(axis=0)
        self.lowest = low if self.lowest is None else np.minimum(self.lowest, low)
        self.highest = high if self.highest is None else np.maximum(self.highest, high)
        for drift in found:
            self.counts[drift.kind] = self.counts.get(drift.kind, 0) + 1


class DriftWatch:
    """Compares what a model sees with what its card recorded at calibration.

    Attributes:
        images: how many it has looked at.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        """Watch a loaded model; every feature map that it returns, and its input.

        Raises:
            ModelFileError: its card has no ranges, or it has no card.
        """
        ranges = loaded.card.ranges if loaded.card else ()
        if not ranges:
            raise ModelFileError(
                f"{loaded.packed.name} carries no ranges of its calibration; convert the model again with this edgecnn"
            )
        self._loaded, self.images = loaded, 0
        self._ranges = {layer.name: layer for layer in ranges}
        outputs = loaded.session.outputs
        self._tensors = [outputs[name] for name in self._ranges if name in outputs]
        self._seen = {name: _Seen() for name in (INPUT, *(tensor.name for tensor in self._tensors))}
        spec = loaded.input
        self._scale, self._offset = np.array(spec.scale, np.float32), np.array(spec.offset, np.float32)

    @property
    def has_maps(self) -> bool:
        """Whether it sees feature maps, not only the input: whether the model is an activations variant."""
        return bool(self._tensors)

    def look(self, pixels: npt.NDArray[np.uint8]) -> tuple[Drift, ...]:
        """What is odd about the image that the model has just run: prepared `pixels`, (height, width, channels)."""
        self.images += 1
        given = pixels * self._scale + self._offset
        found = [*_outside(self._ranges[INPUT], given)] if INPUT in self._ranges else []
        self._seen[INPUT].add(given, found)
        for tensor in self._tensors:
            raw = self._loaded.session.output(tensor)
            values = tensor.dequantize(raw)
            here = [*_outside(self._ranges[tensor.name], values), *_saturated(raw, tensor)]
            self._seen[tensor.name].add(values, here)
            found += here
        return tuple(found)

    def summary(self) -> tuple[str, ...]:
        """A line for each layer that was odd in the batch; empty if none was."""
        lines = []
        for name, seen in self._seen.items():
            words = [f"{kind} in {count:,} of {self.images:,} images" for kind, count in seen.counts.items()]
            dead = self._dead(name)
            if dead:
                words.append(f"dead channels {', '.join(map(str, dead[:8]))}{' …' * (len(dead) > 8)}")
            if words:
                lines.append(f"{name}: {'; '.join(words)}")
        return tuple(lines)

    def _dead(self, name: str) -> list[int]:
        """Channels that varied at calibration and never did in this batch."""
        seen, known = self._seen[name], self._ranges.get(name)
        if self.images < FEW or known is None or seen.lowest is None or seen.highest is None:
            return []
        return [int(c) for c in np.flatnonzero(seen.lowest == seen.highest) if int(c) not in known.constant_channels]


def _outside(known: LayerRange, values: npt.NDArray[np.float32]) -> list[Drift]:
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    margin = VALUE_MARGIN * (known.high - known.low)
    if low < known.low - margin or high > known.high + margin:
        words = f"{low:.4g} to {high:.4g}, at calibration {known.low:.4g} to {known.high:.4g}"
        return [Drift(known.name, "outside calibration", words)]
    margin = MEAN_MARGIN * (known.mean_high - known.mean_low)
    if not known.mean_low - margin <= mean <= known.mean_high + margin:
        words = f"mean {mean:.4g}, at calibration {known.mean_low:.4g} to {known.mean_high:.4g}"
        return [Drift(known.name, "outside calibration", words)]
    return []


def _saturated(raw: npt.NDArray[np.generic], tensor: TensorSpec) -> list[Drift]:
    if raw.dtype.kind == "f":
        return []
    limits = np.iinfo(raw.dtype.name)
    ends = [end for end in (limits.min, limits.max) if end != tensor.zero_point]  # ReLU ends at 0
    share = float(np.isin(raw, ends).mean())
    return [Drift(tensor.name, "saturated", f"{share:.1%} of its values")] if share > SATURATED else []
