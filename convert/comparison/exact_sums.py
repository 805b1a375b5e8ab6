"""What the reference kernels make of a convolution of 8-bit integers, from sums that are made in floats.

Floats hold every whole number up to 2 ** 24. Where no sum of a convolution is larger, the quickest kernels for floats
give it exactly, whatever the order in which they add. What is left is the rounding to steps of the output, in whole
numbers as TFLite does it (`MultiplyByQuantizedMultiplier`).
"""

import copy
import math
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

_OUTPUT_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3}  # of the weights
_MOST = 2**24
_BYTE = 255  # the largest difference of two integers of 8 bits


def has_exact_sums(graph: "schema.SubGraphT", buffers: list[Any], operator: "schema.OperatorT", name: str) -> bool:
    """Whether `RoundedSums` can compute an operator.

    Args:
        graph: that the operator is of.
        buffers: of the model.
        operator: of any kind.
        name: of its kind.
    """
    if name not in _OUTPUT_AXIS or len(operator.inputs) != 3 or min(operator.inputs) < 0:
        return False
    image, weights, bias = (graph.tensors[index] for index in operator.inputs)
    made = graph.tensors[operator.outputs[0]]
    types = {image.type, weights.type, made.type}
    activation = operator.builtinOptions.fusedActivationFunction
    data, is_plain = buffers[weights.buffer].data, activation == schema.ActivationFunctionType.NONE
    has_bias = bias.type == schema.TensorType.INT32 and buffers[bias.buffer].data is not None
    if types != {schema.TensorType.INT8} or not is_plain or not has_bias or data is None:
        return False
    scales = [each.quantization and each.quantization.scale for each in (image, weights, made)]
    if any(each is None or not len(each) for each in scales) or np.any(weights.quantization.zeroPoint):
        return False
    integers = np.moveaxis(data.view(np.int8).reshape(weights.shape), _OUTPUT_AXIS[name], 0)
    sums = np.abs(integers.astype(np.int16)).reshape(len(integers), -1).sum(axis=1, dtype=np.int64)
    return bool(sums.max() * _BYTE < _MOST)


class RoundedSums:
    """A convolution of a graph in floats, and how its sums are rounded.

    Attributes:
        model: the convolution alone, from integers as floats to sums as floats.
        zero_point: of what it takes.
    """

    def __init__(self, model: Any) -> None:
        """Make it of a model of one operator for which `has_exact_sums` holds."""
        graph = copy.copy(model.subgraphs[0])
        operator = graph.operators[0]
        image, weights, bias = (graph.tensors[index] for index in operator.inputs)
        made = graph.tensors[operator.outputs[0]]
        self.zero_point, self._lowest = int(image.quantization.zeroPoint[0]), int(made.quantization.zeroPoint[0])
        integers = model.buffers[weights.buffer].data.view(np.int8)
        self._bias = model.buffers[bias.buffer].data.view(np.int32).astype(np.int64)
        scales = np.asarray(weights.quantization.scale, np.float64) * float(image.quantization.scale[0])
        fractions, exponents = np.frexp(np.broadcast_to(scales / float(made.quantization.scale[0]), self._bias.shape))
        factors = np.floor(fractions * 2**31 + 0.5).astype(np.int64)
        exponents = exponents + (factors == 2**31)
        self._factors = np.where(factors == 2**31, 2**30, factors) << np.maximum(exponents, 0)
        self._shifts = np.maximum(-exponents, 0).astype(np.int64)
        self._halves = (1 << self._shifts) >> 1
        model = copy.copy(model)
        model.subgraphs, model.buffers = [graph], list(model.buffers)
        graph.tensors = list(graph.tensors)
        for index in (*operator.inputs, *operator.outputs):
            graph.tensors[index] = copy.copy(graph.tensors[index])
            graph.tensors[index].type, graph.tensors[index].quantization = schema.TensorType.FLOAT32, None
        for tensor, values in ((weights, integers), (bias, np.zeros(math.prod(bias.shape)))):
            model.buffers[tensor.buffer] = schema.BufferT()
            model.buffers[tensor.buffer].data = values.astype(np.float32).view(np.uint8)
        self.model = model

    def round(self, sums: npt.NDArray[np.float32]) -> npt.NDArray[np.int8]:
        """The integers of the output for sums (..., channels)."""
        values = sums.astype(np.int64)
        values += self._bias
        values *= self._factors
        values += 1 << 30
        values >>= 31
        below = values >> 63  # -1 below 0: halves are rounded away from 0
        below *= self._shifts > 0
        values += self._halves
        values += below
        values >>= self._shifts
        values += self._lowest
        return np.clip(values, -128, 127, out=values).astype(np.int8)
