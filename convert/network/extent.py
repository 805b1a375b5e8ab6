"""Which values occur in a layer: what the card keeps of a calibration."""

from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.card import LayerRange

Floats = npt.NDArray[np.floating]
_AT_ONCE = 4096  # values: NumPy takes ten times as long for as many rows of 32 channels


def channel_ends(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Lowest and highest value of every channel, (channels,), of (..., channels)."""
    channels = values.reshape(-1, values.shape[-1])
    together = max(1, min(_AT_ONCE // channels.shape[1], len(channels)))
    whole = len(channels) - len(channels) % together
    wide, rest = channels[:whole].reshape(-1, together * channels.shape[1]), channels[whole:]
    low, high = (end(axis=0).reshape(together, -1) for end in (wide.min, wide.max))
    return np.concatenate([low, rest]).min(axis=0), np.concatenate([high, rest]).max(axis=0)


def require_finite(layer: str, *figures: float | Floats) -> None:
    """Make sure that a layer's values, of which these figures are, can be compared and written down.

    Raises:
        EdgecnnError: some are infinite, or no numbers; the sentence names the layer.
    """
    values = np.concatenate([np.ravel(each) for each in figures])
    if np.isnan(values).any():
        raise EdgecnnError(
            f"layer {layer} gives no numbers (NaN) in Keras; look for a division by 0 or the logarithm of a number "
            "below 0 in front of it"
        )
    if not np.isfinite(values).all():
        raise EdgecnnError(
            f"layer {layer} gives infinite values in Keras, with which nothing can be compared; limit what it takes "
            "(keras.ops.clip does)"
        )


class Extent:
    """Lowest and highest value of every channel, and of the images' means, over all that is added."""

    def __init__(self) -> None:
        self._low: list[Floats] = []
        self._high: list[Floats] = []
        self._means: list[float] = []

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count in the values of a batch: float32 (count, ..., channels)."""
        low, high = channel_ends(values)
        self._low.append(low)
        self._high.append(high)
        self._means += [float(image.mean()) for image in values]

    def range(self, name: str) -> LayerRange:
        """What the card says of the layer `name`."""
        low, high = np.min(self._low, axis=0), np.max(self._high, axis=0)
        return LayerRange(
            name=name,
            low=float(low.min()),
            high=float(high.max()),
            mean_low=min(self._means),
            mean_high=max(self._means),
            constant_channels=tuple(int(channel) for channel in np.flatnonzero(low == high)),
        )
