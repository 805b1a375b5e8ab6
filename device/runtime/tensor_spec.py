"""One input or output of a model, and what its integers mean."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Array
from edgecnn.errors import ModelFileError


@dataclass(frozen=True)
class TensorSpec:
    """A tensor's place and type in an interpreter.

    Attributes:
        index: what the interpreter calls it by.
        shape: with the batch dimension.
        dtype: float32, int8, uint8 or int16.
        scale: real units per integer step; 0 if the tensor is not quantized.
        zero_point: the integer that stands for 0.0.
    """

    name: str
    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float
    zero_point: int

    @classmethod
    def from_details(cls, name: str, details: dict[str, Any]) -> "TensorSpec":
        """From what an interpreter's `get_*_details` returns."""
        scale, zero_point = details["quantization"]
        # The signature has -1 where a size is not fixed; `shape` has 1 there, which it is not.
        signature = details.get("shape_signature", details["shape"])
        shape = tuple(int(size) for size in (signature if len(signature) else details["shape"]))
        if shape and shape[0] == -1:
            shape = (1, *shape[1:])  # a dynamic batch runs with one image
        return cls(name, int(details["index"]), shape, np.dtype(details["dtype"]), float(scale), int(zero_point))

    @property
    def is_image(self) -> bool:
        """Whether it is (1, height, width, 1 or 3), all sizes fixed."""
        return len(self.shape) == 4 and self.shape[0] == 1 and min(self.shape) > 0 and self.shape[3] in (1, 3)

    @property
    def is_elementwise(self) -> bool:
        """Whether each real number that `dequantize` gives is made of one integer alone."""
        return True

    def dequantize(self, values: Array) -> npt.NDArray[np.float32]:
        """`values` of this tensor as real numbers; a tensor that is not quantized is returned as it is."""
        if np.issubdtype(self.dtype, np.floating):
            return values.astype(np.float32, copy=False)
        return dequantize(values, self.scale, self.zero_point)

    def count_saturated(self, values: Array) -> int:
        """How many of the integers `values` are at an end of their range, but for 0.0, where ReLU ends; 0 of floats."""
        if values.dtype.kind == "f":
            return 0
        limits = np.iinfo(values.dtype.name)
        ends = [end for end in (limits.min, limits.max) if end != self.zero_point]
        return sum(int(np.count_nonzero(values == end)) for end in ends)  # np.isin takes twenty times as long


def dequantize(q: Array, scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    """Turn stored integers back into real numbers.

    Args:
        q: int8, uint8 or int16, any shape.
        scale: real units per integer step, above 0.
        zero_point: the integer that stands for 0.0.

    Returns:
        float32, the shape of `q`.

    Raises:
        ModelFileError: `scale` is not above 0.
    """
    if scale <= 0:
        raise ModelFileError(f"quantization scale must be above 0, got {scale}; convert the model again")
    # 127 - (-128) does not fit int8 and wraps to -1: widen, then subtract.
    return (q.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def advice_on_shape(shape: tuple[int, ...]) -> str:
    """What helps where an input of this shape is no image, in words."""
    if len(shape) == 4 and shape[0] == 1 and shape[1] in (1, 3):
        return "its channels come first; convert it with channels last, of PyTorch by litert_torch.to_channel_last_io"
    if len(shape) == 4 and shape[0] > 1 and shape[3] in (1, 3):
        return f"it takes {shape[0]} images at once; convert it with a batch of 1"
    if len(shape) == 4 and min(shape) < 1:
        return "it takes images of any size; convert it with the size that it was trained with"
    return "edgecnn runs image classifiers only"
