"""A bias of its own for every use of a layer."""

import copy

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS

from .flatbuffer import operator_name, to_bytes

# Which input of an operator is its bias.
_PLACES = {name: bias for name, (_, _, bias) in WEIGHTED_INPUTS.items()}


def with_own_biases(flatbuffer: bytes) -> bytes:
    """Copy a float32 flatbuffer's biases that several operators take, or that share their numbers, for each of them.

    TensorFlow's quantizer for 16-bit activations writes a bias once, in the scale of the first input that it meets;
    where a layer is used twice, the second use would add another number. The weights stay shared.
    """
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    subgraph, taken = model.subgraphs[0], set()
    tensors_before = len(subgraph.tensors)
    for operator in subgraph.operators:
        place = _PLACES.get(operator_name(model.operatorCodes[operator.opcodeIndex]))
        if place is None or len(operator.inputs) <= place or operator.inputs[place] < 0:
            continue
        bias = subgraph.tensors[operator.inputs[place]]
        if bias.buffer in taken:
            own = copy.copy(bias)
            own.name, own.buffer = bias.name + f"/{len(subgraph.tensors)}".encode(), len(model.buffers)
            model.buffers.append(copy.copy(model.buffers[bias.buffer]))
            operator.inputs = np.array(operator.inputs)  # the bytes it was read from cannot be changed
            operator.inputs[place] = len(subgraph.tensors)
            subgraph.tensors.append(own)
        taken.add(bias.buffer)
    if len(subgraph.tensors) == tensors_before:
        return flatbuffer
    return to_bytes(model, len(flatbuffer))
