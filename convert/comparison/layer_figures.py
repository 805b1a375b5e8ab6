"""How far a converted network's feature maps are from Keras', layer by layer, and what is odd about them."""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.session import Session
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.card import FeatureMap
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

from ..network.keras_network import KerasNetwork
from .agreement import Noise

Array = npt.NDArray[np.floating]
# Enough for a decibel figure that repeats; all 10,000 images change it by less than 0.1 dB.
_IMAGES = 256
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


@dataclass
class _Sums:
    """What is added up for one layer."""

    noise: Noise = field(default_factory=Noise)
    channel_noise: Array = field(default_factory=lambda: np.zeros((2, 1)))  # one column a channel, once there are any
    product: float = 0.0
    square: float = 0.0
    count: int = 0
    saturated: int = 0
    here: tuple[float, float] = (float("inf"), float("-inf"))
    keras: list[Array] = field(default_factory=list)
    low: list[Array] = field(default_factory=list)
    high: list[Array] = field(default_factory=list)

    def add(self, reference: Array, raw: npt.NDArray[np.generic], tensor: TensorSpec) -> None:
        """One image's values in Keras and here, the latter as the tensor holds them."""
        values = tensor.dequantize(raw)
        self.noise.add(reference, values)
        squares = np.square(np.stack([reference, reference - values]), dtype=np.float64)
        self.channel_noise = self.channel_noise + squares.reshape(2, -1, values.shape[-1]).sum(axis=1)
        self.product += float((reference * values.astype(np.float64)).sum())
        self.square += float(np.square(values, dtype=np.float64).sum())
        self.count += raw.size
        self.saturated += tensor.count_saturated(raw)
        self.here = min(self.here[0], float(values.min())), max(self.here[1], float(values.max()))
        self.keras.append(reference)
        flat = values.reshape(-1, values.shape[-1])
        self.low.append(flat.min(axis=0))
        self.high.append(flat.max(axis=0))

    def figures(self, tensor: TensorSpec) -> LayerFigures:
        """The sums of all images, as figures."""
        reference = np.stack(self.keras)
        channels = reference.reshape(-1, reference.shape[-1])
        varies = channels.max(axis=0) > channels.min(axis=0)
        here = np.stack(self.high).max(axis=0) > np.stack(self.low).min(axis=0)
        counts, bins = np.histogram(channels, bins=40)
        step = float(tensor.scale) if tensor.dtype.kind != "f" else 0.0
        norm = float(np.sqrt(self.noise.signal * self.square))
        return LayerFigures(
            name=tensor.name,
            sqnr_db=self.noise.sqnr_db,
            channel_sqnr_db=_median_sqnr_db(self.channel_noise),
            cosine=self.product / norm if norm else float(self.noise.signal == self.square),
            gain=self.product / self.noise.signal if self.noise.signal else 1.0,
            error_steps=float(np.sqrt(self.noise.noise / self.count)) / step if step else 0.0,
            saturated=self.saturated / self.count,
            range=_range(tensor) or self.here,
            keras_range=(float(channels.min()), float(channels.max())),
            channel_peaks=tuple(float(value) for value in np.abs(channels).max(axis=0)),
            lost_channels=tuple(int(channel) for channel in np.flatnonzero(varies & ~here)),
            histogram=tuple(int(count) for count in counts),
            bins=tuple(float(edge) for edge in bins),
        )


def _median_sqnr_db(sums: Array) -> float:
    """Of the channels that have a signal; `sums` is (2, channels), of squares of signal and noise."""
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
    values = sum(int(np.prod(wanted.shape)) for wanted in maps)
    return max(8, min(_IMAGES, _MEMORY // (4 * max(1, values))))


def layer_figures(network: KerasNetwork, images: Images, session: Session, spec: InputSpec) -> tuple[LayerFigures, ...]:
    """Compare every output of an activations variant with Keras, in network order, the probabilities last.

    Args:
        network: with the maps that the variant returns; run anew for each comparison, a few images at a time.
        images: uint8 (count, height, width, channels).
        session: the variant's.
        spec: how images are prepared for the variant.
    """
    gather, outputs = session.gather(spec), session.outputs
    sums: dict[str, _Sums] = {}
    for part, expected in network.maps_of(images):
        for row, pixels in enumerate(part):
            session.run(gather(pixels))
            for name, values in expected.items():
                if name in outputs:
                    sums.setdefault(name, _Sums()).add(values[row], session.output(outputs[name]), outputs[name])
    return tuple(total.figures(outputs[name]) for name, total in sums.items())
