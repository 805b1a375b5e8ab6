"""The constants of a flatbuffer's convolutions and dense layers, as the real numbers that its integers stand for."""

import copy
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from .flatbuffer import DTYPES, operator_name, to_bytes

Array = npt.NDArray[np.floating]

# How to bring the output channels of the constant that an operator takes as its second input to the front; each order
# undoes itself. Depthwise: (1, height, width, channels).
CHANNELS_FIRST = {
    "CONV_2D": (0, 1, 2, 3),
    "DEPTHWISE_CONV_2D": (3, 1, 2, 0),
    "FULLY_CONNECTED": (0, 1),
    "TRANSPOSE_CONV": (0, 1, 2, 3),
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
        operator: `CONV_2D`, `DEPTHWISE_CONV_2D`, `FULLY_CONNECTED` or `TRANSPOSE_CONV`.
        weights: (channels, height, width, inputs) of a convolution, (channels, inputs) of a dense layer.
        bias: (channels,); None where there is none.
    """

    operator: str
    weights: Constant
    bias: Constant | None


class Kernels(Sequence[Kernel]):
    """The operators of a flatbuffer with constant weights, in the order in which they run.

    Each is read when it is asked for: as real numbers, those of a large network take several times its size.

    Attributes:
        shapes: of each, the operator and the shape of its weights.
        tensors: of each, the indices of its weights and of its bias; None where there is none.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        """See `read_kernels`."""
        self._model = schema.Model.GetRootAs(flatbuffer, 0)
        self.shapes: list[tuple[str, tuple[int, ...]]] = []
        self.tensors: list[tuple[int, int | None]] = []
        self._stored: list[tuple[npt.NDArray[Any], npt.NDArray[Any] | None]] = []
        subgraph = self._model.Subgraphs(0)
        unpacked = _dequantized(self._model, subgraph)
        for position in range(subgraph.OperatorsLength()):
            operator = subgraph.Operators(position)
            name = operator_name(self._model.OperatorCodes(operator.OpcodeIndex()))
            if name not in WEIGHTED_INPUTS:
                continue
            inputs = [unpacked.get(int(index), int(index)) for index in operator.InputsAsNumpy()]
            _, place, bias_place = WEIGHTED_INPUTS[name]
            weights = _stored(self._model, inputs[place])
            if weights is None:
                continue
            weights = weights.transpose(CHANNELS_FIRST[name])
            bias = _stored(self._model, inputs[bias_place]) if len(inputs) > bias_place else None
            self.shapes.append((name, weights.shape))
            self.tensors.append((inputs[place], None if bias is None else inputs[bias_place]))
            self._stored.append((weights, bias))

    def __len__(self) -> int:
        return len(self.shapes)

    @overload
    def __getitem__(self, place: int) -> Kernel: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Kernel]: ...

    def __getitem__(self, place: int | slice) -> Kernel | Sequence[Kernel]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        (weights, bias), stored = self.tensors[place], self._stored[place]
        return Kernel(
            self.shapes[place][0],
            _constant(self._model, weights, stored[0]),
            None if bias is None or stored[1] is None else _constant(self._model, bias, stored[1]),
        )


def read_kernels(flatbuffer: bytes) -> Kernels:
    """The operators with constant weights, in the order in which they run."""
    return Kernels(flatbuffer)


def shapes_of(kernels: Sequence[Kernel]) -> list[tuple[str, tuple[int, ...]]]:
    """Of each the operator and the shape of its weights."""
    if isinstance(kernels, Kernels):
        return kernels.shapes
    return [(kernel.operator, kernel.weights.values.shape) for kernel in kernels]


def with_constants(flatbuffer: bytes, others: Sequence[Kernel]) -> bytes:
    """A float32 flatbuffer with other numbers in its operators.

    Args:
        flatbuffer: with float32 constants.
        others: what to write in the places of its own, see `read_kernels`; of the same shapes.
    """
    kernels = Kernels(flatbuffer)
    edited = bytearray(
        _with_own_buffers(flatbuffer, {index for pair in kernels.tensors for index in pair if index is not None})
    )
    model = schema.Model.GetRootAs(edited, 0)
    for (name, _), pair, new in zip(kernels.shapes, kernels.tensors, others, strict=True):
        orders = CHANNELS_FIRST[name], (0,)
        for index, constant, axes in zip(pair, (new.weights, new.bias), orders, strict=True):
            if index is not None and constant is not None:
                values = np.ascontiguousarray(constant.values.transpose(axes), np.float32)
                buffer = model.Buffers(model.Subgraphs(0).Tensors(index).Buffer())
                buffer.DataAsNumpy()[:] = values.reshape(-1).view(np.uint8)
    return bytes(edited)


def _with_own_buffers(flatbuffer: bytes, indices: Collection[int]) -> bytes:
    """A flatbuffer whose tensors of these indices have their numbers to themselves: equal ones may share theirs."""
    subgraph = schema.Model.GetRootAs(flatbuffer, 0).Subgraphs(0)
    users = Counter(subgraph.Tensors(index).Buffer() for index in range(subgraph.TensorsLength()))
    if all(users[subgraph.Tensors(index).Buffer()] == 1 for index in indices):
        return flatbuffer
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for index in indices:
        tensor = model.subgraphs[0].tensors[index]
        model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
        tensor.buffer = len(model.buffers) - 1
    return to_bytes(model, len(flatbuffer))


def _dequantized(model: "schema.Model", subgraph: "schema.SubGraph") -> dict[int, int]:
    """By the output of each DEQUANTIZE its input: constants in half precision stand behind one."""
    operators = (subgraph.Operators(position) for position in range(subgraph.OperatorsLength()))
    return {
        int(operator.Outputs(0)): int(operator.Inputs(0))
        for operator in operators
        if operator_name(model.OperatorCodes(operator.OpcodeIndex())) == "DEQUANTIZE"
    }


def _stored(model: "schema.Model", index: int) -> npt.NDArray[Any] | None:
    """The numbers of a constant as they lie in the file; None for a tensor that is computed, or left out."""
    if index < 0:
        return None
    tensor = model.Subgraphs(0).Tensors(index)
    data, dtype = model.Buffers(tensor.Buffer()).DataAsNumpy(), DTYPES.get(tensor.Type())
    if dtype is None or isinstance(data, int) or not len(data):
        return None
    stored: npt.NDArray[Any] = data.view(dtype).reshape(tensor.ShapeAsNumpy())
    return stored


def _constant(model: "schema.Model", index: int, stored: npt.NDArray[Any]) -> Constant:
    """What the numbers of a tensor, output channels first, stand for."""
    dtype, raw = stored.dtype, stored.astype(np.float64)
    column = (-1, *(1,) * (raw.ndim - 1))
    if dtype.kind == "f":
        error = np.abs(raw) * float(np.finfo(dtype.name).eps) + float(np.finfo(dtype.name).smallest_subnormal)
        limit = np.full((len(raw), *column[1:]), float(np.finfo(dtype.name).max))
        return Constant(index, raw, error, -limit, limit)
    quantization = model.Subgraphs(0).Tensors(index).Quantization()
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
