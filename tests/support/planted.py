"""Faults in the integers of a converted file, which its card does not know of: re-packed, it reads as intact."""

from collections.abc import Callable, Sequence

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.container import pack_card, read_model
from edgecnn.run_directory import RunDirectory

# Takes the weights and the biases of an operator as the file has them, and edits them in place.
Change = Callable[[np.ndarray, np.ndarray], None]
_WITH_WEIGHTS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_TYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.FLOAT32: np.float32,
}


def plant(run: RunDirectory, scheme: str, operator: int, change: Change) -> None:
    """Change the constants of the operator with weights that has this number, in both files of a scheme."""
    for path in (run.tflite(scheme), run.tflite(scheme, activations=True)):
        packed = read_model(path)
        assert packed.card and packed.golden
        edited = bytearray(packed.flatbuffer)
        weights, biases = _constants(edited)[operator]
        change(weights, biases)
        path.write_bytes(pack_card(bytes(edited), packed.card, packed.golden))


def average_instead_of_maximum(run: RunDirectory, scheme: str) -> None:
    """Make every max pooling an average pooling, in both files of a scheme."""
    wanted, other = schema.BuiltinOperator.MAX_POOL_2D, schema.BuiltinOperator.AVERAGE_POOL_2D
    for path in (run.tflite(scheme), run.tflite(scheme, activations=True)):
        packed = read_model(path)
        assert packed.card and packed.golden
        edited = bytearray(packed.flatbuffer)
        model = schema.Model.GetRootAs(edited, 0)
        (code,) = [
            code
            for code in map(model.OperatorCodes, range(model.OperatorCodesLength()))
            if code.BuiltinCode() == wanted
        ]
        # Fields 4 and 10 of the table: the code as one byte, for old runtimes, and as four.
        edited[code._tab.Pos + code._tab.Offset(4)] = other
        edited[code._tab.Pos + code._tab.Offset(10)] = other
        path.write_bytes(pack_card(bytes(edited), packed.card, packed.golden))


def _constants(flatbuffer: bytearray) -> Sequence[tuple[np.ndarray, np.ndarray]]:
    """Weights and biases of each operator, as views of the bytes."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    subgraph = model.Subgraphs(0)
    found = []
    for operator in _with_weights(model, subgraph):
        tensors = [subgraph.Tensors(operator.Inputs(place)) for place in (1, 2)]
        arrays = [
            model.Buffers(each.Buffer()).DataAsNumpy().view(_TYPES[each.Type()]).reshape(each.ShapeAsNumpy())
            for each in tensors
        ]
        found.append((arrays[0], arrays[1]))
    return found


def _with_weights(model: "schema.Model", subgraph: "schema.SubGraph") -> "list[schema.Operator]":
    wanted = {getattr(schema.BuiltinOperator, name) for name in _WITH_WEIGHTS}
    operators = [subgraph.Operators(position) for position in range(subgraph.OperatorsLength())]
    codes = [model.OperatorCodes(operator.OpcodeIndex()) for operator in operators]
    return [
        operator
        for operator, code in zip(operators, codes, strict=True)
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in wanted
    ]
