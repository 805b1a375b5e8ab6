"""What every target needs of a converted model."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.errors import EdgecnnError

from ..pair import Pair
from .target import Target

if TYPE_CHECKING:
    from edgecnn.model_file.tflite_graph import Graph

_TENSOR_TYPES = ("float32", "int8", "uint8", "int16")  # of input and output


def require_supported(target: Target, graph: "Graph") -> None:
    """Make sure that `target` runs a converted model.

    Raises:
        EdgecnnError: the rule that fails, in words.
    """
    require_complete(graph)
    for kind, numbers in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in graph.tensors_at(numbers):
            if tensor.dtype not in _TENSOR_TYPES:
                raise EdgecnnError(
                    f"{target.name}: the {kind} {tensor.name} is {tensor.dtype}, not one of {', '.join(_TENSOR_TYPES)}"
                )
    if graph.others:
        raise EdgecnnError(
            f"{target.name}: the model has {graph.others} subgraphs for control flow (while, if), which delegates "
            "refuse; unroll loops in the Keras model"
        )
    target.require_supported(graph)


def finish_files(target: Target, paths: Pair[Path], graph: "Graph") -> tuple[Path | None, tuple[str, ...]]:
    """What `target` does with the plain model when both have been written; see `Target.finish_file`.

    Raises:
        EdgecnnError: it cannot be done; the message says that the files are there all the same.
    """
    try:
        return target.finish_file(paths.plain, graph)
    except EdgecnnError as error:
        names = [path.name for path in paths]
        written = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} written"
        raise type(error)(f"{error}; {written} and can be run without that; --force replaces") from error


def require_complete(graph: "Graph") -> None:
    """Make sure that every runtime of the built-in operators can run a graph.

    Raises:
        EdgecnnError: it has an operator that is not built in (select operators, `Flex...`, need TensorFlow), a size
            that is not fixed, or a weight without values.
    """
    foreign = sorted({operator.name for operator in graph.operators if operator.is_custom})
    if foreign:
        raise EdgecnnError(
            f"the converted model needs {', '.join(foreign)}, which no runtime on a device has (select operators need "
            "all of TensorFlow there); replace that layer by one that TFLite has built in"
        )
    computed = {number for operator in graph.operators for number in operator.outputs} | set(graph.inputs)
    for operator in graph.operators:
        for tensor in graph.tensors_at((*operator.inputs, *operator.outputs)):
            if -1 in tensor.signature:
                raise EdgecnnError(
                    f"{tensor.name} of {operator.name} has a size that is not fixed, {tensor.signature}: delegates "
                    "refuse it; give every layer a fixed size"
                )
        for number in operator.inputs:
            tensor = graph.tensors[number]
            has_values = tensor.is_constant or tensor.is_variable or number in computed
            if not has_values and math.prod(tensor.shape) > 0:
                raise EdgecnnError(
                    f"the converted model lacks the values of {tensor.name}, a weight of {operator.name}; its output "
                    "would be noise, build the Keras model again"
                )
