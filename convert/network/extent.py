"""Which values occur in a layer: what the card keeps of a calibration."""

import numpy as np
import numpy.typing as npt

from edgecnn.model_file.card import LayerRange


class Extent:
    """Lowest and highest value of every channel, and of the images' means, over all that is added."""

    def __init__(self) -> None:
        self._low: list[npt.NDArray[np.float32]] = []
        self._high: list[npt.NDArray[np.float32]] = []
        self._means: list[float] = []

    def add(self, values: npt.NDArray[np.float32]) -> None:
        """Count in the values of a batch: float32 (count, ..., channels)."""
        channels = values.reshape(-1, values.shape[-1])
        self._low.append(channels.min(axis=0))
        self._high.append(channels.max(axis=0))
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
