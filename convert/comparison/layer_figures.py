"""How far a converted network's feature maps are from Keras', layer by layer, and what is odd about them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.device.runtime.session import Runner
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.card import FeatureMap
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

from ..network.extent import channel_ends
from .agreement import sqnr_db

# Enough for a decibel figure that repeats; all 10,000 images change it by less than 0.1 dB.
_IMAGES = 256
_NARROW = 1e-3
_MEMORY = 500_000_000  # bytes of Keras' maps that are kept, before fewer images are taken


@dataclass(frozen=True)
class LayerFigures:
    """One output of the activations variant, over some images.

    Attributes:
        name: the Keras layer's, or `probabilities`.
        sqnr_db: signal-to-quantization-noise ratio against Keras in dB; infinite for equal values.
        channel_sqnr_db: median of the channels' own ratios: a large channel does not speak for the others.
        cosine: similarity of direction with Keras' values, 1 for proportional ones.
        gain: how many times Keras' values they are, by least squares.
        error_steps: root mean square of the differences from Keras, in steps of the tensor; 0 for floats.
        saturated: share of values at an end of the integers' range, but for 0, where ReLU ends; 0 for floats.
        range: real values that the tensor can hold, (lowest, highest); for floats those that occurred.
        keras_range: those that occurred in Keras.
        channel_peaks: float32 (channels,), Keras' largest magnitude in each.
        lost_channels: those that vary in Keras and not here.
        histogram: counts of Keras' values in `bins`.
        bins: edges, from the lowest to the highest of Keras.
    """

    name: str
    sqnr_db: float
    channel_sqnr_db: float
    cosine: float
    gain: float
    error_steps: float
    saturated: float
    range: tuple[float, float]
    keras_range: tuple[float, float]
    channel_peaks: tuple[float, ...]
    lost_channels: tuple[int, ...]
    histogram: tuple[int, ...]
    bins: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class _KerasLayer:
    """One output in Keras.

    Attributes:
        values: float32 (images, ..., channels).
        signal: float64 (channels,), sums of squares.
        low: float32 (channels,), the least value of each.
        high: float32 (channels,), the greatest.
    """

    values: npt.NDArray[np.float32]
    signal: npt.NDArray[np.float64]
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]

    @classmethod
    def of(cls, values: npt.NDArray[np.float32]) -> "_KerasLayer":
        channels = values.reshape(-1, values.shape[-1])
        low, high = channel_ends(values)
        return cls(values, np.einsum("ij,ij->j", channels, channels, dtype=np.float64), low, high)

    @cached_property
    def histogram(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Counts in bins, and their edges, from the lowest value to the highest."""
        ends = float(self.low.min()), float(self.high.max())
        # float32 has no 40 bins between values that hardly differ.
        is_narrow = ends[1] - ends[0] < _NARROW * max(map(abs, ends))
        values = self.values.astype(np.float64) if is_narrow else self.values
        counts, edges = np.histogram(values, 40, ends)
        return tuple(int(count) for count in counts), tuple(float(edge) for edge in edges)


class _Noise:
    """What is added up for one layer, image by image: how far it is from Keras."""

    def __init__(self, keras: _KerasLayer) -> None:
        self.keras, self.noise = keras, np.zeros(len(keras.signal))

    def add(self, row: int, raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """One image's values here, as the tensor holds them."""
        here = tensor.dequantize(raw).reshape(-1, len(self.noise))
        self._add(self.keras.values[row].reshape(here.shape).astype(np.float64), here.astype(np.float64))

    def _add(self, expected: npt.NDArray[np.float64], here: npt.NDArray[np.float64]) -> None:
        """Keras' values and those here, (pixels, channels); Keras' are overwritten."""
        expected -= here
        self.noise += np.einsum("ij,ij->j", expected, expected)

    @property
    def sqnr_db(self) -> float:
        """Against Keras, over all images."""
        return sqnr_db(float(self.keras.signal.sum()), float(self.noise.sum()))


class _Sums(_Noise):
    """The same with all else that is told of a layer."""

    def __init__(self, keras: _KerasLayer) -> None:
        super().__init__(keras)
        channels = len(keras.signal)
        self.product = self.square = 0.0
        self.saturated = 0
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)

    def add(self, row: int, raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """One image's values here, as the tensor holds them."""
        super().add(row, raw, tensor)
        self.saturated += tensor.count_saturated(raw)

    def _add(self, expected: npt.NDArray[np.float64], here: npt.NDArray[np.float64]) -> None:
        self.product += float(np.einsum("ij,ij->", expected, here))
        self.square += float(np.einsum("ij,ij->", here, here))
        super()._add(expected, here)
        low, high = channel_ends(here)
        np.minimum(self.low, low, out=self.low)
        np.maximum(self.high, high, out=self.high)

    def figures(self, tensor: TensorSpec) -> LayerFigures:
        """The sums of all images, as figures."""
        keras, count = self.keras, self.keras.values.size
        signal, noise = float(keras.signal.sum()), float(self.noise.sum())
        histogram, bins = keras.histogram
        lost = (keras.high > keras.low) & ~(self.high > self.low)
        step = float(tensor.scale) if tensor.dtype.kind != "f" else 0.0
        norm = float(np.sqrt(signal * self.square))
        return LayerFigures(
            name=tensor.name,
            sqnr_db=self.sqnr_db,
            channel_sqnr_db=_median_sqnr_db(keras.signal, self.noise),
            cosine=self.product / norm if norm else float(signal == self.square),
            gain=self.product / signal if signal else 1.0,
            error_steps=float(np.sqrt(noise / count)) / step if step else 0.0,
            saturated=self.saturated / count,
            range=_range(tensor) or (float(self.low.min()), float(self.high.max())),
            keras_range=(float(keras.low.min()), float(keras.high.max())),
            channel_peaks=tuple(float(value) for value in np.maximum(abs(keras.low), abs(keras.high))),
            lost_channels=tuple(int(channel) for channel in np.flatnonzero(lost)),
            histogram=histogram,
            bins=bins,
        )


_Added = TypeVar("_Added", bound=_Noise)


class KerasMaps:
    """What Keras makes of some images, to compare with it as often as is wanted.

    Attributes:
        images: uint8 (count, height, width, channels).
    """

    def __init__(self, images: Images, maps: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Take what `Seen.maps` has of uint8 `images` (count, height, width, channels)."""
        self.images = images
        self._layers = {name: _KerasLayer.of(values) for name, values in maps.items()}

    def __len__(self) -> int:
        """How many images."""
        return len(self.images)

    def compare(
        self, session: Runner, spec: InputSpec, watch: Callable[[Pixels], None] = lambda _: None
    ) -> tuple[LayerFigures, ...]:
        """Compare every output of an activations variant with Keras, in network order, the probabilities last.

        Args:
            session: the variant's.
            spec: how images are prepared for the variant.
            watch: is shown each image after the session has run it.
        """
        sums = self._run(session, spec, _Sums, watch)
        return tuple(total.figures(session.outputs[name]) for name, total in sums.items())

    def sqnr_db(self, session: Runner, spec: InputSpec) -> dict[str, float]:
        """By name, `LayerFigures.sqnr_db` alone; arguments as those of `compare`."""
        return {name: total.sqnr_db for name, total in self._run(session, spec, _Noise).items()}

    def _run(
        self, session: Runner, spec: InputSpec, kind: type[_Added], watch: Callable[[Pixels], None] = lambda _: None
    ) -> dict[str, _Added]:
        gather, outputs = session.gather(spec), session.outputs
        sums = {name: kind(layer) for name, layer in self._layers.items() if name in outputs}
        for row, pixels in enumerate(np.asarray(self.images)):
            session.run(gather(pixels))
            watch(pixels)
            for name, total in sums.items():
                total.add(row, session.output(outputs[name]), outputs[name])
        return sums


def _median_sqnr_db(signal: npt.NDArray[np.float64], noise: npt.NDArray[np.float64]) -> float:
    """Of the channels that have a signal; both are (channels,), sums of squares."""
    signal, noise = signal[signal > 0], noise[signal > 0]
    if not len(signal):
        return float("inf")
    with np.errstate(divide="ignore"):  # a channel without noise has an infinite SQNR
        return float(np.median(10 * np.log10(signal / noise)))


def _range(tensor: TensorSpec) -> tuple[float, float] | None:
    if tensor.dtype.kind == "f":
        return None
    limits = np.iinfo(tensor.dtype.name)
    low, high = tensor.dequantize(np.array([limits.min, limits.max], tensor.dtype))
    return float(low), float(high)


def images_for(maps: Collection[FeatureMap]) -> int:
    """How many images to compare layers on: fewer where the network's maps are large."""
    values = sum(int(np.prod(wanted.shape)) for wanted in maps)
    return max(8, min(_IMAGES, _MEMORY // (4 * max(1, values))))
