"""A flatbuffer taken apart: where it can be cut, some of its operators, further outputs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

_INTEGERS = (schema.TensorType.INT8, schema.TensorType.UINT8, schema.TensorType.INT16)


@dataclass(frozen=True)
class Cut:
    """A place where one tensor is all that a graph's later operators take from those before.

    Attributes:
        position: of the first operator after it.
        tensor: its index.
    """

    position: int
    tensor: int


def cuts_of(flatbuffer: bytes) -> Iterator[Cut]:
    """Every place where a single tensor goes on, as far as operators give integers: those do not depend on an order."""
    graph, *others = schema.ModelT.InitFromPackedBuf(flatbuffer, 0).subgraphs
    if others:  # its operators call them
        return
    images = set(map(int, graph.inputs))
    given = set(images)
    for position, operator in enumerate(graph.operators[:-1], 1):
        if any(graph.tensors[index].type not in _INTEGERS for index in operator.outputs):
            return
        given.update(map(int, operator.outputs))
        wanted = {int(index) for later in graph.operators[position:] for index in later.inputs}
        crossing = given & wanted.union(map(int, graph.outputs))
        if len(crossing) == 1 and not crossing & images:
            yield Cut(position, *crossing)


def part_of(
    flatbuffer: bytes, operators: slice, inputs: list[int] | None = None, outputs: list[int] | None = None
) -> bytes:
    """Some operators of a flatbuffer, between other inputs and outputs."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[operators]
    graph.inputs = graph.inputs if inputs is None else np.array(inputs, np.int32)
    graph.outputs = graph.outputs if outputs is None else np.array(outputs, np.int32)
    model.signatureDefs = []
    return _written(model, len(flatbuffer))


def with_outputs(flatbuffer: bytes, tensors: Sequence[int]) -> bytes:
    """A flatbuffer with further outputs, which its signature does not name."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    graph = model.subgraphs[0]
    more = [tensor for tensor in tensors if tensor not in graph.outputs]
    graph.outputs = np.concatenate([graph.outputs, np.array(more, np.int32)])
    return _written(model, len(flatbuffer))


def _written(model: "schema.ModelT", size_bytes: int) -> bytes:
    builder = flatbuffers.Builder(size_bytes)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
