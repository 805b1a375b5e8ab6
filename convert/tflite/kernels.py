"""The constants of a flatbuffer's convolutions and dense layers, as the real numbers that its integers stand for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WITH_WEIGHTS

Array = npt.NDArray[np.floating]

_BUILTIN = schema.BuiltinOperator
# How to bring the output channels of the constant that an operator takes as its second input to the front; each order
# undoes itself. Depthwise: (1, height, width, channels).
CHANNELS_FIRST = {"CONV_2D": (0, 1, 2, 3), "DEPTHWISE_CONV_2D": (3, 1, 2, 0), "FULLY_CONNECTED": (0, 1)}
OPERATOR_NAMES = {code: name for name, code in vars(_BUILTIN).items() if not name.startswith("_")}
DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT8: np.dtype(np.int8),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT64: np.dtype(np.int64),
}


@dataclass(frozen=True)
class Constant:
    """A constant tensor.

    Attributes:
        index: of the tensor in the graph.
        values: float64, what its elements stand for, output channels first.
        error: float64 (channels, ...), which spreads to that shape: how far rounding may put a value from its origin.
        low: float64 (channels, 1, ...), the lowest value that the tensor can hold.
        high: the highest.
    """

    index: int
    values: Array
    error: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Kernel:
    """An operator with weights.

    Attributes:
        operator: `CONV_2D`, `DEPTHWISE_CONV_2D` or `FULLY_CONNECTED`.
        weights: (channels, height, width, inputs) of a convolution, (channels, inputs) of a dense layer.
        bias: (channels,); None where there is none.
    """

    operator: str
    weights: Constant
    bias: Constant | None


def read_kernels(flatbuffer: bytes) -> tuple[Kernel, ...]:
    """The operators with constant weights, in the order in which they run."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    subgraph = model.Subgraphs(0)
    unpacked = _dequantized(model, subgraph)
    kernels = []
    for position in range(subgraph.OperatorsLength()):
        operator, code = subgraph.Operators(position), _code(model, subgraph.Operators(position))
        name = OPERATOR_NAMES.get(code)
        if name not in WITH_WEIGHTS:
            continue
        inputs = [unpacked.get(int(index), int(index)) for index in operator.InputsAsNumpy()]
        weights = _constant(model, subgraph, inputs[1], CHANNELS_FIRST[name])
        if weights is None:
            continue
        bias = _constant(model, subgraph, inputs[2], (0,)) if len(inputs) > 2 else None
        kernels.append(Kernel(name, weights, bias))
    return tuple(kernels)


def with_constants(flatbuffer: bytes, kernels: Sequence[Kernel], others: Sequence[Kernel]) -> bytes:
    """A float32 flatbuffer with other numbers in its operators.

    Args:
        flatbuffer: with float32 constants.
        kernels: its own, see `read_kernels`.
        others: what to write in their places, of the same shapes.
    """
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for old, new in zip(kernels, others, strict=True):
        order = CHANNELS_FIRST[old.operator]
        for before, after, axes in ((old.weights, new.weights, order), (old.bias, new.bias, (0,))):
            if before is None or after is None:
                continue
            values = np.ascontiguousarray(after.values.transpose(axes), np.float32)
            buffer = schema.BufferT()
            buffer.data = values.reshape(-1).view(np.uint8)
            model.buffers.append(buffer)  # a new one: two tensors with equal values share theirs
            model.subgraphs[0].tensors[before.index].buffer = len(model.buffers) - 1
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _code(model: "schema.Model", operator: "schema.Operator") -> int:
    code = model.OperatorCodes(operator.OpcodeIndex())
    return int(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()))


def _dequantized(model: "schema.Model", subgraph: "schema.SubGraph") -> dict[int, int]:
    """By the output of each DEQUANTIZE its input: constants in half precision stand behind one."""
    operators = (subgraph.Operators(position) for position in range(subgraph.OperatorsLength()))
    return {
        int(operator.Outputs(0)): int(operator.Inputs(0))
        for operator in operators
        if _code(model, operator) == _BUILTIN.DEQUANTIZE
    }


def _constant(model: "schema.Model", subgraph: "schema.SubGraph", index: int, axes: tuple[int, ...]) -> Constant | None:
    """None for a tensor that is computed, or left out."""
    if index < 0:
        return None
    tensor = subgraph.Tensors(index)
    data = model.Buffers(tensor.Buffer()).DataAsNumpy()
    dtype = DTYPES.get(tensor.Type())
    if dtype is None or isinstance(data, int) or not len(data):
        return None
    raw = data.view(dtype).reshape(tensor.ShapeAsNumpy()).transpose(axes).astype(np.float64)
    column = (-1, *(1,) * (raw.ndim - 1))
    if dtype.kind == "f":
        error = np.abs(raw) * float(np.finfo(dtype.name).eps) + float(np.finfo(dtype.name).smallest_subnormal)
        limit = np.full((len(raw), *column[1:]), float(np.finfo(dtype.name).max))
        return Constant(index, raw, error, -limit, limit)
    quantization = tensor.Quantization()
    scale = quantization.ScaleAsNumpy().astype(np.float64).reshape(column)
    zero_point = quantization.ZeroPointAsNumpy().astype(np.float64).reshape(column)
    limits, each = np.iinfo(dtype.name), (len(raw), *column[1:])  # one scale may be that of all channels
    return Constant(
        index,
        (raw - zero_point) * scale,
        np.broadcast_to(scale / 2, each),
        np.broadcast_to((limits.min - zero_point) * scale, each),
        np.broadcast_to((limits.max - zero_point) * scale, each),
    )
