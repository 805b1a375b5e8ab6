"""How far a converted network's feature maps are from Keras', layer by layer, and what is odd about them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.tensor_spec import TensorSpec

from ..network.extent import channel_ends
from .agreement import sqnr_db

_BINS = 40
_NARROW = 1e-3


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


class Signal:
    """What is added up of one output in Keras, batch by batch.

    Attributes:
        squares: float64 (channels,), sums of squares.
    """

    def __init__(self) -> None:
        """Nothing so far."""
        self.squares: npt.NDArray[np.float64] = np.zeros(1)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count in a batch: float32 (count, ..., channels)."""
        channels = values.reshape(-1, values.shape[-1])
        self.squares = self.squares + np.einsum("ij,ij->j", channels, channels, dtype=np.float64)


class KerasLayer(Signal):
    """The same with all else that is told of an output in Keras.

    Attributes:
        count: how many values there are.
        low: float32 (channels,), the least value of each.
        high: float32 (channels,), the greatest.
    """

    def __init__(self) -> None:
        """Nothing so far."""
        super().__init__()
        self.count = 0
        self.low, self.high = np.full(1, np.inf, np.float32), np.full(1, -np.inf, np.float32)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count in a batch: float32 (count, ..., channels)."""
        super().add(values)
        self.count += values.size
        low, high = channel_ends(values)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)


class Histogram:
    """Counts of one output's values in Keras, batch by batch, from the lowest to the highest.

    Attributes:
        counts: int64 (bins,).
        edges: of the bins, one more.
    """

    def __init__(self, layer: KerasLayer) -> None:
        """Nothing so far; `layer` has counted in every batch already, and knows the ends."""
        low, high = float(layer.low.min()), float(layer.high.max())
        if low == high:
            low, high = low - 0.5, high + 0.5
        # float32 has no 40 bins between values that hardly differ, and an end.
        is_plain = max(_NARROW * max(abs(low), abs(high)), 1e-30) < high - low < 1e30
        number = np.float32 if is_plain else np.float64
        self._low, self._bins_a_unit = number(low), number(_BINS / (high - low))
        self.counts: npt.NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self.edges: npt.NDArray[np.floating] = np.linspace(low, high, _BINS + 1)

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count in a batch: float32 (count, ..., channels)."""
        # np.histogram, which looks at the edges once more, takes four times as long.
        places = ((values.ravel() - self._low) * self._bins_a_unit).astype(np.uint8)
        counts = np.bincount(places, minlength=_BINS + 1)
        counts[_BINS - 1] += counts[_BINS]  # the greatest value
        self.counts += counts[:_BINS]


class Noise:
    """What is added up for one layer, batch by batch: how far it is from Keras."""

    def __init__(self) -> None:
        """Nothing so far."""
        self.squares: npt.NDArray[np.float64] = np.zeros(1)

    def add(self, expected: npt.NDArray[np.float32], raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """Count in a batch: Keras' values, (count, ..., channels), and those here, as the tensor holds them."""
        here = tensor.dequantize(raw).reshape(-1, expected.shape[-1])
        # The difference of two float32 that are close is exact.
        error = expected.reshape(here.shape) - here
        self.squares = self.squares + np.einsum("ij,ij->j", error, error, dtype=np.float64)
        self._add(here, raw, tensor)

    def _add(self, here: npt.NDArray[np.float32], raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """Count in what else is told: the values here, (pixels, channels), and as the tensor holds them."""

    def sqnr_db(self, keras: Signal) -> float:
        """Against Keras, over all images."""
        return sqnr_db(float(keras.squares.sum()), float(self.squares.sum()))


class Sums(Noise):
    """The same with all else that is told of a layer."""

    def __init__(self) -> None:
        """Nothing so far."""
        super().__init__()
        self.square = 0.0
        self.saturated = 0
        self.low, self.high = np.full(1, np.inf), np.full(1, -np.inf)

    def _add(self, here: npt.NDArray[np.float32], raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        self.square += float(np.einsum("ij,ij->", here, here, dtype=np.float64))
        self.saturated += tensor.count_saturated(raw)
        if tensor.is_elementwise:  # then the order of the integers is that of the real numbers
            low, high = (tensor.dequantize(end) for end in channel_ends(raw.reshape(here.shape)))
        else:
            low, high = channel_ends(here)
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)

    def figures(self, keras: KerasLayer, histogram: Histogram, tensor: TensorSpec) -> LayerFigures:
        """The sums of all images, as figures."""
        signal, noise = float(keras.squares.sum()), float(self.squares.sum())
        lost = (keras.high > keras.low) & ~(self.high > self.low)
        step = float(tensor.scale) if tensor.dtype.kind != "f" else 0.0
        # |keras - here|² = |keras|² + |here|² - 2 keras · here
        product = (signal + self.square - noise) / 2
        norm = float(np.sqrt(signal * self.square))
        return LayerFigures(
            name=tensor.name,
            sqnr_db=self.sqnr_db(keras),
            channel_sqnr_db=_median_sqnr_db(keras.squares, self.squares),
            cosine=product / norm if norm else float(signal == self.square),
            gain=product / signal if signal else 1.0,
            error_steps=float(np.sqrt(noise / keras.count)) / step if step else 0.0,
            saturated=self.saturated / keras.count,
            range=_range(tensor) or (float(self.low.min()), float(self.high.max())),
            keras_range=(float(keras.low.min()), float(keras.high.max())),
            channel_peaks=tuple(float(value) for value in np.maximum(abs(keras.low), abs(keras.high))),
            lost_channels=tuple(int(channel) for channel in np.flatnonzero(lost)),
            histogram=tuple(int(count) for count in histogram.counts),
            bins=tuple(float(edge) for edge in histogram.edges),
        )


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
