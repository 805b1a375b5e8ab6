"""The integers of a simulation, written into the flatbuffer that it is of: only numbers change, in place."""

from typing import Any

import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.errors import EdgecnnError

from .graph import Operator
from .simulation import Simulation


def write(flatbuffer: bytes, simulation: Simulation) -> bytes:
    """Put scales, zero points, weights and biases of a simulation into its flatbuffer.

    Raises:
        EdgecnnError: two tensors have their integers from one place, and need others.
    """
    edited, graph = bytearray(flatbuffer), simulation.graph
    model = schema.Model.GetRootAs(edited, 0)
    subgraph = model.Subgraphs(0)
    for index in (index for group in graph.groups if simulation.can_cut(group) for index in group):
        quantization = subgraph.Tensors(index).Quantization()
        quantization.ScaleAsNumpy()[:], quantization.ZeroPointAsNumpy()[:] = simulation.quantization(index)
    written: dict[int, npt.NDArray[Any]] = {}

    def put(index: int, numbers: npt.NDArray[Any]) -> None:
        buffer = subgraph.Tensors(index).Buffer()
        if not np.array_equal(written.setdefault(buffer, numbers), numbers):
            raise EdgecnnError(
                "two layers have one set of biases in the converted file, which training or other ranges would part; "
                "leave out --qat"
            )
        model.Buffers(buffer).DataAsNumpy()[:] = np.ascontiguousarray(numbers).reshape(-1).view(np.uint8)

    for operator in graph.operators:
        if not operator.is_weighted or operator.inputs[1] not in simulation.weights:
            continue
        put(operator.inputs[1], simulation.integers(operator.inputs[1]))
        if len(operator.inputs) > 2 and operator.inputs[2] in simulation.biases:
            put(operator.inputs[2], bias_numbers(simulation, operator))
            if len(graph.tensors[operator.inputs[2]].scales):
                scales = bias_scales(simulation, operator)
                subgraph.Tensors(operator.inputs[2]).Quantization().ScaleAsNumpy()[:] = scales
    return bytes(edited)


def bias_scales(simulation: Simulation, operator: Operator) -> npt.NDArray[np.float32]:
    """The scales of the biases of an operator: those of its weights times that of what it takes."""
    tensors, taken = simulation.graph.tensors, operator.inputs[0]
    is_image = taken == simulation.graph.image
    scale = tensors[taken].scales[0] if is_image else simulation.quantization(taken)[0]
    return np.asarray(scale * tensors[operator.inputs[1]].scales, np.float32)


def bias_numbers(simulation: Simulation, operator: Operator) -> npt.NDArray[Any]:
    """The biases of an operator as they are written: integers, or float32 where it gives that."""
    real, tensor = simulation.real_bias(operator.inputs[2]), simulation.graph.tensors[operator.inputs[2]]
    if not len(tensor.scales):
        return real.astype(tensor.dtype)
    integers = np.rint(real / bias_scales(simulation, operator).astype(np.float64))
    return np.clip(integers, *tensor.limits).astype(tensor.dtype)
