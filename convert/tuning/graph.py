"""The operators and tensors of a quantized flatbuffer, as a simulation needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from ..tflite.flatbuffer import DTYPES, operator_name

# Their kernels prescribe the scale of what they give.
_PRESCRIBED = ("SOFTMAX", "LOGISTIC", "TANH", "L2_NORMALIZATION", "LOG_SOFTMAX")


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        dtype: of its elements; void for one that no simulation knows.
        values: how many it has.
        scales: float64: none, one, or one a channel.
        zero_point: the integer that stands for 0, where there is one scale.
        axis: of the channels.
        buffer: number of the buffer that holds a constant.
        constant: its elements; none where they are computed.
    """

    index: int
    dtype: "np.dtype[Any]"
    values: int
    scales: npt.NDArray[np.float64]
    zero_point: int
    axis: int
    buffer: int
    constant: npt.NDArray[Any]

    @property
    def is_constant(self) -> bool:
        """Whether its elements are in the file."""
        return self.constant.size > 0

    @property
    def limits(self) -> tuple[int, int]:
        """The smallest and the largest integer that an element can be."""
        limits = np.iinfo(self.dtype)
        return int(limits.min), int(limits.max)

    @property
    def step(self) -> npt.NDArray[np.float32]:
        """What an integer of a constant stands for, in a shape that spreads to the constant's."""
        column = [1] * self.constant.ndim
        if len(self.scales) > 1:
            column[self.axis] = len(self.scales)
        return self.scales.reshape(column).astype(np.float32)

    @property
    def real(self) -> npt.NDArray[Any]:
        """A constant's elements as the numbers that they stand for: float32, or int32 of a shape."""
        if not len(self.scales):
            return self.constant
        return np.asarray((self.constant.astype(np.float32) - self.zero_point) * self.step, np.float32)


@dataclass(frozen=True)
class Operator:
    """An operator: its name, what it is set to, and the tensors that it takes and gives."""

    name: str
    options: Any
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @property
    def output(self) -> int:
        """The first tensor that it gives."""
        return self.outputs[0]

    @property
    def is_weighted(self) -> bool:
        """Whether it has weights and a bias that is scaled by those and by what goes in."""
        return self.name in WEIGHTED_INPUTS


@dataclass(frozen=True)
class Graph:
    """The graph of a flatbuffer with one signature.

    Attributes:
        operators: in the order in which they run.
        image: index of the input.
        outputs: by name in the signature, the index of the tensor.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    image: int
    outputs: dict[str, int]

    @classmethod
    def read(cls, flatbuffer: bytes) -> "Graph":
        """The graph of a flatbuffer."""
        model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
        subgraph, signature = model.subgraphs[0], model.signatureDefs[0]
        codes = [operator_name(code) for code in model.operatorCodes]
        return cls(
            tuple(_tensor(index, tensor, model.buffers) for index, tensor in enumerate(subgraph.tensors)),
            tuple(
                Operator(
                    codes[each.opcodeIndex],
                    each.builtinOptions,
                    tuple(int(place) for place in each.inputs),
                    tuple(int(place) for place in each.outputs),
                )
                for each in subgraph.operators
            ),
            int(signature.inputs[0].tensorIndex),
            {output.name.decode(): int(output.tensorIndex) for output in signature.outputs},
        )

    def shares_buffer(self, index: int) -> bool:
        """Whether another tensor has its integers from the same buffer as a constant."""
        return sum(tensor.buffer == self.tensors[index].buffer for tensor in self.tensors) > 1

    @cached_property
    def most_values(self) -> int:
        """Values of the largest tensor that is computed for an image."""
        return max(self.tensors[operator.output].values for operator in self.operators)

    @cached_property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The computed tensors whose scale may be chosen; those of a group have one together.

        What only moves or compares values has the scale of its input. Left out is what a kernel prescribes, and the
        image, each of whose bytes has an integer of its own.
        """
        members: dict[int, set[int]] = {}
        for operator in self.operators:
            for index in operator.outputs:
                members[index] = {index}
        members[self.image] = {self.image}
        for operator in self.operators:
            if operator.is_weighted:
                continue
            own = [index for index in (*operator.inputs, *operator.outputs) if index in members]
            for first, second in pairwise(own):
                if self._same_scale(first, second) and members[first] is not members[second]:
                    members[first] |= members[second]
                    members.update(dict.fromkeys(members[first], members[first]))
        fixed = {self.image}.union(*(each.outputs for each in self.operators if each.name in _PRESCRIBED))
        distinct = {id(group): tuple(sorted(group)) for group in members.values()}
        return tuple(
            group for group in distinct.values() if not fixed & set(group) and len(self.tensors[group[0]].scales) == 1
        )

    def _same_scale(self, first: int, second: int) -> bool:
        scales = [self.tensors[index].scales for index in (first, second)]
        return bool(len(scales[0]) == len(scales[1]) == 1 and scales[0][0] == scales[1][0])


def _tensor(index: int, tensor: Any, buffers: Sequence[Any]) -> Tensor:
    quantization, data = tensor.quantization or schema.QuantizationParametersT(), buffers[tensor.buffer].data
    scales: Any = () if quantization.scale is None else quantization.scale
    zero_points: Any = () if quantization.zeroPoint is None else quantization.zeroPoint
    dtype = DTYPES.get(tensor.type, np.dtype(np.void))
    shape: tuple[int, ...] = () if tensor.shape is None else tuple(int(size) for size in tensor.shape)
    is_constant = data is not None and len(data) and dtype.kind != "V"
    return Tensor(
        index=index,
        dtype=dtype,
        values=int(np.prod(shape)),
        scales=np.asarray(scales, np.float64),
        zero_point=int(zero_points[0]) if len(scales) and len(zero_points) else 0,
        axis=int(quantization.quantizedDimension) if len(scales) else 0,
        buffer=int(tensor.buffer),
        constant=np.asarray(data, np.uint8).view(dtype).reshape(shape) if is_constant else np.empty(0),
    )
