"""A flatbuffer taken apart: some of its operators at a time, between the tensors that they take and make."""

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from ..tflite.flatbuffer import operator_name, to_bytes

_INTEGERS = {schema.TensorType.INT8: -128, schema.TensorType.UINT8: 0, schema.TensorType.INT16: -(2**15)}
# They take most of the time; of the others some give another integer for few of all values, which no few images show.
_EXACT = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "ADD", "MUL", "PAD", "MAX_POOL_2D")
_ENDING_AT_ZERO = (schema.ActivationFunctionType.RELU, schema.ActivationFunctionType.RELU6)


@dataclass(frozen=True)
class Part:
    """Operators that follow one another.

    Attributes:
        is_quick: whether the plain kernels may run them.
        operators: their places in the graph.
        inputs: tensors that they take of others, or of the image.
        outputs: those that they make for others, or for who asked for them, in the order in which they are made.
    """

    is_quick: bool
    operators: tuple[int, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class GraphParts:
    """A flatbuffer's main graph.

    Attributes:
        quick: the tensors that are made by operators of which plain kernels may give the same integers as reference
            ones: they have no order in which they would have to add, and roundings of negative numbers do not show.
        image: the tensor that the graph takes.
    """

    def __init__(self, flatbuffer: bytes) -> None:
        """Take a flatbuffer apart."""
        self._model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
        self._graph = self._model.subgraphs[0]
        self.image = int(self._graph.inputs[0])
        # Else its operators call other graphs, or keep what these parts would lose.
        is_alone = len(self._model.subgraphs) == 1 and all(_ints(each.outputs) for each in self._graph.operators)
        operators = self._graph.operators if is_alone else []
        self.quick = frozenset(int(each.outputs[0]) for each in operators if self._is_exact(each))

    def _is_exact(self, operator: "schema.OperatorT") -> bool:
        name = operator_name(self._model.operatorCodes[operator.opcodeIndex])
        tensor = self._graph.tensors[operator.outputs[0]]
        if name not in _EXACT or tensor.type not in _INTEGERS or not _is_scaled(tensor):
            return False
        if name not in WEIGHTED_INPUTS:
            return True
        activation = getattr(operator.builtinOptions, "fusedActivationFunction", None)
        return activation in _ENDING_AT_ZERO or list(tensor.quantization.zeroPoint) == [_INTEGERS[tensor.type]]

    def parts(self, quick: Collection[int]) -> Iterator[Part]:
        """The graph in as few parts as there can be, where the operators that make the tensors `quick` are quick."""
        kinds = [int(each.outputs[0]) in quick for each in self._graph.operators]
        starts = [place for place in range(len(kinds)) if place == 0 or kinds[place] != kinds[place - 1]]
        for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True):
            inside = self._graph.operators[start:end]
            made = [index for each in inside for index in _ints(each.outputs)]
            taken = dict.fromkeys(index for each in inside for index in _ints(each.inputs))
            wanted = {index for each in self._graph.operators[end:] for index in _ints(each.inputs)}
            wanted.update(map(int, self._graph.outputs))
            yield Part(
                kinds[start],
                tuple(range(start, end)),
                tuple(index for index in taken if index not in made and self._is_computed(index)),
                tuple(index for index in made if index in wanted),
            )

    def makers_up_to(self, part: Part, tensor: int | None) -> set[int]:
        """What the operators make that may be to blame where this output of a part is wrong, and none before it is."""
        made = [int(self._graph.operators[place].outputs[0]) for place in part.operators]
        before: set[int] = set()
        for index in made if tensor in made else ():
            before.add(index)
            if index == tensor:
                return before
            if index in part.outputs:
                before = set()
        return before

    def _is_computed(self, index: int) -> bool:
        if index < 0:
            return False
        data = self._model.buffers[self._graph.tensors[index].buffer].data
        return data is None or not len(data)

    def flatbuffer(self, part: Part) -> bytes:
        """A model of a part alone; its tensors keep their numbers."""
        model, graph = copy.copy(self._model), copy.copy(self._graph)
        graph.operators = [self._graph.operators[place] for place in part.operators]
        graph.inputs, graph.outputs = list(part.inputs), list(part.outputs)
        used = {index for each in graph.operators for index in _ints(each.inputs) + _ints(each.outputs) if index >= 0}
        filled = {graph.tensors[index].buffer for index in used}
        nothing = schema.TensorT()
        graph.tensors = [tensor if index in used else nothing for index, tensor in enumerate(graph.tensors)]
        model.subgraphs, model.signatureDefs, model.metadata = [graph], [], []
        model.buffers = [
            buffer if place in filled else schema.BufferT() for place, buffer in enumerate(self._model.buffers)
        ]
        size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
        return to_bytes(model, size + (1 << 16))


def _ints(vector: Any) -> list[int]:
    """What the flatbuffer has in a field, where it has the field."""
    return [] if vector is None else [int(each) for each in vector]


def _is_scaled(tensor: "schema.TensorT") -> bool:
    """Whether its integers stand for numbers."""
    return tensor.quantization is not None and len(_ints(tensor.quantization.zeroPoint)) > 0
