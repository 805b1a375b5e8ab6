"""How far a converted network's feature maps are from Keras', layer by layer, and what is odd about them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.session import Session
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.card import PROBABILITIES, FeatureMap
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table

from ..network.feature_maps import with_named_outputs
from .agreement import Noise

Array = npt.NDArray[np.floating]
# Enough for a decibel figure that repeats; all 10,000 images change it by less than 0.1 dB.
_IMAGES = 256
_BATCH = 8
_MEMORY = 500_000_000  # bytes of Keras' maps that are kept for the histograms, before fewer images are taken


@dataclass(frozen=True)
class LayerFigures:
    """One output of the activations variant, over some images.

    Attributes:
        name: the Keras layer's, or `probabilities`.
        sqnr_db: signal-to-quantization-noise ratio against Keras in dB; infinite for equal values.
        channel_sqnr_db: median of the channels' own ratios: a large channel does not speak for the others.
        cosine: similarity of direction with Keras' values, 1 for proportional ones.
        gain: how many times Keras' values they are, by least squares.
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
    saturated: float
    range: tuple[float, float]
    keras_range: tuple[float, float]
    channel_peaks: tuple[float, ...]
    lost_channels: tuple[int, ...]
    histogram: tuple[int, ...]
    bins: tuple[float, ...]


@dataclass
class _Sums:
    """What is added up for one layer."""

    noise: Noise = field(default_factory=Noise)
    channel_noise: Array | None = None
    product: float = 0.0
    square: float = 0.0
    values: int = 0
    saturated: int = 0
    here: tuple[float, float] = (float("inf"), float("-inf"))
    keras: list[Array] = field(default_factory=list)
    low: list[Array] = field(default_factory=list)
    high: list[Array] = field(default_factory=list)

    def add(self, reference: Array, raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """One image's values in Keras and here, the latter as the tensor holds them."""
        found = tensor.dequantize(raw)
        self.noise.add(reference, found)
        squares = np.square(np.stack([reference, reference - found]), dtype=np.float64)
        sums = squares.reshape(2, -1, found.shape[-1]).sum(axis=1)
        self.channel_noise = sums if self.channel_noise is None else self.channel_noise + sums
        self.product += float((reference * found.astype(np.float64)).sum())
        self.square += float(np.square(found, dtype=np.float64).sum())
        self.values += raw.size
        self.saturated += tensor.count_saturated(raw)
        self.here = min(self.here[0], float(found.min())), max(self.here[1], float(found.max()))
        self.keras.append(reference)
        flat = found.reshape(-1, found.shape[-1])
        self.low.append(flat.min(axis=0))
        self.high.append(flat.max(axis=0))

    def figures(self, tensor: TensorSpec) -> LayerFigures:
        """The sums of all images, as figures."""
        reference = np.stack(self.keras)
        channels = reference.reshape(-1, reference.shape[-1])
        varies = channels.max(axis=0) > channels.min(axis=0)
        here = np.stack(self.high).max(axis=0) > np.stack(self.low).min(axis=0)
        counts, bins = np.histogram(channels, bins=40)
        norm = float(np.sqrt(self.noise.signal * self.square))
        return LayerFigures(
            name=tensor.name,
            sqnr_db=self.noise.sqnr_db,
            channel_sqnr_db=_median_sqnr_db(self.channel_noise),
            cosine=self.product / norm if norm else float(self.noise.signal == self.square),
            gain=self.product / self.noise.signal if self.noise.signal else 1.0,
            saturated=self.saturated / self.values,
            range=_range(tensor) or self.here,
            keras_range=(float(channels.min()), float(channels.max())),
            channel_peaks=tuple(float(value) for value in np.abs(channels).max(axis=0)),
            lost_channels=tuple(int(channel) for channel in np.flatnonzero(varies & ~here)),
            histogram=tuple(int(count) for count in counts),
            bins=tuple(float(edge) for edge in bins),
        )


def _median_sqnr_db(sums: Array | None) -> float:
    """Of the channels that have a signal; `sums` is (2, channels), of squares of signal and noise."""
    assert sums is not None
    signal, noise = sums[:, sums[0] > 0]
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
    values = sum(int(np.prod(found.shape)) for found in maps)
    return max(8, min(_IMAGES, _MEMORY // (4 * max(1, values))))


class Reference:
    """Keras' feature maps of some images, computed anew for each rung, a few images at a time."""

    def __init__(self, model: keras.Model, maps: Collection[FeatureMap], images: Images, spec: InputSpec) -> None:
        self._named, self._images, self._table = with_named_outputs(model, maps), images, input_table(spec)
        self.names = (*(found.name for found in maps), PROBABILITIES)

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.uint8], dict[str, Array]]]:
        """Pixels of one image, and Keras' outputs by name."""
        for start in range(0, len(self._images), _BATCH):
            part = np.asarray(self._images[start : start + _BATCH])
            outputs = self._named.predict_on_batch(apply_table(self._table, part))
            for row, pixels in enumerate(part):
                yield pixels, {name: np.asarray(outputs[name][row], np.float32) for name in self.names}


def measure(reference: Reference, session: Session, spec: InputSpec) -> tuple[LayerFigures, ...]:
    """Compare every output of an activations variant with Keras, in network order, the probabilities last."""
    gather, outputs = session.gather(spec), session.outputs
    sums = {name: _Sums() for name in reference.names if name in outputs}
    for pixels, expected in reference:
        session.run(gather(pixels))
        for name, total in sums.items():
            total.add(expected[name], session.output(outputs[name]), outputs[name])
    return tuple(total.figures(outputs[name]) for name, total in sums.items())
