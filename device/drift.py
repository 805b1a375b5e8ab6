"""Without labels, in the field: are images and feature maps still like those at calibration?"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import INPUT, LayerRange

from .runtime.loaded_model import LoadedModel
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
        deviation: how far.
    """

    layer: str
    kind: str
    deviation: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.kind} ({self.deviation})"


@dataclass
class _Seen:
    """One layer over the batch so far."""

    lowest: npt.NDArray[np.float32] | None = None
    highest: npt.NDArray[np.float32] | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, values: npt.NDArray[np.float32], drifts: Sequence[Drift]) -> None:
        channels = values.reshape(-1, values.shape[-1])
        low, high = channels.min(axis=0), channels.max(axis=0)
        self.lowest = low if self.lowest is None else np.minimum(self.lowest, low)
        self.highest = high if self.highest is None else np.maximum(self.highest, high)
        for drift in drifts:
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
        self._lock = threading.Lock()
        self._gather = loaded.session.gather(loaded.input)
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
        """What is odd about prepared `pixels`, (height, width, channels); runs them if others ran since."""
        with self._lock:
            return self._look(pixels)

    def _look(self, pixels: npt.NDArray[np.uint8]) -> tuple[Drift, ...]:
        self.images += 1
        image = pixels * self._scale + self._offset
        drifts = _find_outliers(self._ranges[INPUT], image) if INPUT in self._ranges else []
        self._seen[INPUT].add(image, drifts)
        for tensor, raw in zip(self._tensors, self._outputs(pixels), strict=True):
            values = tensor.dequantize(raw)
            of_layer = [*_find_outliers(self._ranges[tensor.name], values), *_find_saturation(raw, tensor)]
            self._seen[tensor.name].add(values, of_layer)
            drifts += of_layer
        return tuple(drifts)

    def _outputs(self, pixels: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.generic]]:
        """What the feature maps are for `pixels`: most often of the run before, which was of them."""
        if not self._tensors:
            return []
        return self._loaded.session.outputs_of(pixels, self._gather, self._tensors)

    def summary(self) -> tuple[str, ...]:
        """A line for each layer that was odd in the batch; empty if none was."""
        lines = []
        for name, seen in self._seen.items():
            parts = [f"{kind} in {count:,} of {self.images:,} images" for kind, count in seen.counts.items()]
            dead = self._dead_channels(name)
            if dead:
                parts.append(f"dead channels {', '.join(map(str, dead[:8]))}{' …' * (len(dead) > 8)}")
            if parts:
                lines.append(f"{name}: {'; '.join(parts)}")
        return tuple(lines)

    def _dead_channels(self, name: str) -> list[int]:
        """Channels that varied at calibration and never did in this batch."""
        seen, calibrated = self._seen[name], self._ranges.get(name)
        if self.images < FEW or calibrated is None or seen.lowest is None or seen.highest is None:
            return []
        return [
            int(c) for c in np.flatnonzero(seen.lowest == seen.highest) if int(c) not in calibrated.constant_channels
        ]


def _find_outliers(calibrated: LayerRange, values: npt.NDArray[np.float32]) -> list[Drift]:
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    margin = VALUE_MARGIN * (calibrated.high - calibrated.low)
    if low < calibrated.low - margin or high > calibrated.high + margin:
        deviation = f"{low:.4g} to {high:.4g}, at calibration {calibrated.low:.4g} to {calibrated.high:.4g}"
        return [Drift(calibrated.name, "outside calibration", deviation)]
    margin = MEAN_MARGIN * (calibrated.mean_high - calibrated.mean_low)
    if not calibrated.mean_low - margin <= mean <= calibrated.mean_high + margin:
        deviation = f"mean {mean:.4g}, at calibration {calibrated.mean_low:.4g} to {calibrated.mean_high:.4g}"
        return [Drift(calibrated.name, "outside calibration", deviation)]
    return []


def _find_saturation(raw: npt.NDArray[np.generic], tensor: TensorSpec) -> list[Drift]:
    share = tensor.count_saturated(raw) / raw.size
    return [Drift(tensor.name, "saturated", f"{share:.1%} of its values")] if share > SATURATED else []
