"""The constants that operators without kernels take: factors of a batch normalisation, slopes, paddings, axes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from .flatbuffer import DTYPES


@dataclass(frozen=True)
class Operand:
    """A constant tensor that stands for real numbers, or for a shape, axes or places.

    Attributes:
        index: of the tensor in the graph.
        values: what its elements stand for, in its own order of axes.
        step: how far apart two neighbours of the numbers are that it can hold; spreads to the shape of `values`.
        is_exact: whether it holds plain integers.
    """

    index: int
    values: npt.NDArray[np.float64]
    step: npt.NDArray[np.float64]
    is_exact: bool


def read_operand(model: "schema.Model", index: int) -> Operand | None:
    """A constant; None for a tensor that is computed or left out, or of a type without numbers."""
    if index < 0:
        return None
    tensor = model.Subgraphs(0).Tensors(index)
    data, dtype = model.Buffers(tensor.Buffer()).DataAsNumpy(), DTYPES.get(tensor.Type())
    if dtype is None or isinstance(data, int) or not len(data):
        return None
    shape = tuple(tensor.Shape(axis) for axis in range(tensor.ShapeLength()))
    raw = data.view(dtype).reshape(shape).astype(np.float64)
    quantization = tensor.Quantization()
    if dtype.kind == "f":
        return Operand(index, raw, np.spacing(np.abs(raw).astype(dtype)).astype(np.float64), False)
    if quantization is None or not quantization.ScaleLength():
        return Operand(index, raw, np.zeros(()), True)
    scale, zero_point = quantization.ScaleAsNumpy().astype(np.float64), quantization.ZeroPointAsNumpy()
    spread = [1] * len(shape)
    if len(scale) > 1:
        spread[quantization.QuantizedDimension()] = len(scale)
    step = scale.reshape(spread)
    return Operand(index, (raw - np.broadcast_to(zero_point, scale.shape).reshape(spread)) * step, step, False)
