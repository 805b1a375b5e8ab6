"""The table that turns pixel values into values of the model's input, and what gathers through it."""

import numpy as np
import numpy.typing as npt

from ..arrays import Array, Pixels
from .input_spec import InputSpec


def input_table(spec: InputSpec, dtype: npt.DTypeLike = np.float32, scale: float = 0.0, zero_point: int = 0) -> Array:
    """The model-input value of every pixel value, of every channel.

    Args:
        spec: the card's: scale and offset of every channel.
        dtype: of the model's input tensor: float32, int8, uint8 or int16.
        scale: of the input tensor, real units per integer step; 0 for float32.
        zero_point: of the input tensor.

    Returns:
        `dtype`, shape (channels, 256). Quantization is `round(value / scale) + zero_point`, saturated; see
        https://ai.google.dev/edge/litert/models/quantization_spec.
    """
    values = np.arange(256) * np.array(spec.scale)[:, None] + np.array(spec.offset)[:, None]
    kind = np.dtype(dtype)
    if kind.kind == "f":
        return np.asarray(values, dtype=kind)
    limits = np.iinfo(kind.name)
    # rint rounds halves to even, TFLite away from zero: a half occurs only off the grid of real cards.
    steps = np.copysign(np.floor(np.abs(values / scale) + 0.5), values / scale)
    return np.asarray(np.clip(steps + zero_point, limits.min, limits.max), dtype=kind)


def apply_table(table: Array, pixels: Pixels) -> Array:
    """Gather `pixels`, uint8 (..., channels), through `table`, (channels, 256): same shape, the table's dtype."""
    if (table == table[0]).all():
        return np.asarray(table[0].take(pixels, mode="clip"))  # the mode that looks for no index that is too large
    gathered: Array = np.empty(pixels.shape, table.dtype)
    for channel, row in enumerate(table):
        gathered[..., channel] = row.take(pixels[..., channel], mode="clip")
    return gathered


def in_model_order(values: Array, spec: InputSpec) -> Array:
    """`values`, (..., channels) as an image has its channels, as the model's input has them: for `bgr` reversed."""
    return values[..., ::-1] if spec.colour == "bgr" else values


class Gather:
    """`apply_table`, `in_model_order` for one image after the other, into the same tensor, without a needless copy."""

    def __init__(self, table: Array, spec: InputSpec) -> None:
        """Take `table`, (channels, 256), for prepared pixels of `spec`."""
        self._reverses = spec.colour == "bgr"
        self._table = table[::-1] if self._reverses else table
        self._tensor = np.empty((1, *spec.shape), table.dtype)
        same = bool((table == table[0]).all())
        # Bytes to bytes: str.translate's loop, three times as fast as NumPy's gather.
        self._bytes = table[0].tobytes() if same and table.dtype.itemsize == 1 else None
        self._memory = self._tensor.data.cast("B")
        self._flat = np.ascontiguousarray(table[0]) if same else None

    def __call__(self, pixels: Pixels) -> Array:
        """The model's input, (1, height, width, channels), of uint8 (height, width, channels).

        The same array every time: the next call overwrites it.
        """
        if self._reverses:
            pixels = pixels[:, :, ::-1]
        if self._bytes is not None:
            self._memory[:] = pixels.tobytes().translate(self._bytes)
        elif self._flat is not None:
            self._flat.take(pixels, out=self._tensor[0], mode="clip")  # the mode that needs no buffer, either
        else:
            self._tensor[0] = apply_table(self._table, pixels)
        return self._tensor
