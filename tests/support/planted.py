"""Faults in the integers of a converted file, which its card does not know of: re-packed, it reads as intact."""

from collections.abc import Callable, Sequence

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.model_file.container import pack_card, read_model
from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS
from edgecnn.run_directory import RunDirectory

# Takes the weights and the biases of an operator as the file has them, and edits them in place.
Change = Callable[[np.ndarray, np.ndarray], None]
_TYPES = {
    schema.TensorType.INT8: np.int8,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.FLOAT32: np.float32,
}


def edit(run: RunDirectory, scheme: str, change: Callable[[bytearray], None]) -> None:
    """Change the bytes of the flatbuffer in both files of a scheme."""
    for path in (run.tflite(scheme), run.tflite(scheme, activations=True)):
        packed = read_model(path)
        assert packed.card and packed.golden
        edited = bytearray(packed.flatbuffer)
        change(edited)
        path.write_bytes(pack_card(bytes(edited), packed.card, packed.golden))


def plant(run: RunDirectory, scheme: str, operator: int, change: Change) -> None:
    """Change the constants of the operator with weights that has this number, in both files of a scheme."""
    edit(run, scheme, lambda edited: change(*_constants(edited)[operator]))


def give_biases(run: RunDirectory, scheme: str, to: int, of: int, order: Sequence[int]) -> None:
    """Give an operator with weights the biases that another one has, in this order, as real numbers."""

    def change(edited: bytearray) -> None:
        constants, scales = _constants(edited), _bias_scales(edited)
        real = (constants[of][1] * scales[of])[list(order)]
        constants[to][1][:] = np.rint(real / scales[to])

    edit(run, scheme, change)


def change_output(run: RunDirectory, scheme: str, operator: int, gain: float = 1.0, shift: int = 0) -> None:
    """Change scale and zero point of what an operator with weights gives."""

    def change(edited: bytearray) -> None:
        model = schema.Model.GetRootAs(edited, 0)
        given = _with_weights(model, model.Subgraphs(0))[operator]
        quantization = model.Subgraphs(0).Tensors(given.Outputs(0)).Quantization()
        quantization.ScaleAsNumpy()[:] *= np.float32(gain)
        quantization.ZeroPointAsNumpy()[:] += shift

    edit(run, scheme, change)


def change_activation(run: RunDirectory, scheme: str, operator: int, activation: int) -> None:
    """Fuse another activation into a convolution; its own must not be none, which is not written down."""

    def change(edited: bytearray) -> None:
        model = schema.Model.GetRootAs(edited, 0)
        given = _with_weights(model, model.Subgraphs(0))[operator]
        options = schema.Conv2DOptions()
        assert given.BuiltinOptionsType() == schema.BuiltinOptions.Conv2DOptions
        options.Init(given.BuiltinOptions().Bytes, given.BuiltinOptions().Pos)
        assert options.FusedActivationFunction()
        edited[options._tab.Pos + options._tab.Offset(10)] = activation

    edit(run, scheme, change)


def change_options(run: RunDirectory, scheme: str, operator: int, **options: int) -> None:
    """Change strides, padding and the like of the operator of this number, those without weights counted, too."""

    def change(edited: bytearray) -> None:
        model = schema.ModelT.InitFromPackedBuf(bytes(edited), 0)
        vars(model.subgraphs[0].operators[operator].builtinOptions).update(options)
        edited[:] = flatbuffer_utils.convert_object_to_bytearray(model)

    edit(run, scheme, change)


def average_instead_of_maximum(run: RunDirectory, scheme: str) -> None:
    """Make every max pooling an average pooling, in both files of a scheme."""
    wanted, other = schema.BuiltinOperator.MAX_POOL_2D, schema.BuiltinOperator.AVERAGE_POOL_2D

    def change(edited: bytearray) -> None:
        model = schema.Model.GetRootAs(edited, 0)
        (code,) = [
            code
            for code in map(model.OperatorCodes, range(model.OperatorCodesLength()))
            if code.BuiltinCode() == wanted
        ]
        # Fields 4 and 10 of the table: the code as one byte, for old runtimes, and as four.
        edited[code._tab.Pos + code._tab.Offset(4)] = other
        edited[code._tab.Pos + code._tab.Offset(10)] = other

    edit(run, scheme, change)


def _bias_scales(flatbuffer: bytearray) -> Sequence[np.ndarray]:
    model = schema.Model.GetRootAs(flatbuffer, 0)
    tensors = [model.Subgraphs(0).Tensors(each.Inputs(2)) for each in _with_weights(model, model.Subgraphs(0))]
    return [tensor.Quantization().ScaleAsNumpy() for tensor in tensors]


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
    wanted = {getattr(schema.BuiltinOperator, name) for name in WEIGHTED_INPUTS}
    operators = [subgraph.Operators(position) for position in range(subgraph.OperatorsLength())]
    codes = [model.OperatorCodes(operator.OpcodeIndex()) for operator in operators]
    return [
        operator
        for operator, code in zip(operators, codes, strict=True)
        if max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) in wanted
    ]
