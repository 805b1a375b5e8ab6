"""Remove upper bounds that an integer tensor never reaches, and that runtimes cannot even write down."""

from tensorflow.lite.python import schema_py_generated as schema

_RELU6 = schema.ActivationFunctionType.RELU6
_INT32_MAX = 2**31 - 1
# Where the fused activation stands in the vtable of an operator's options (tensorflow/lite/schema/schema.fbs).
_OPTIONS = {
    schema.BuiltinOptions.Conv2DOptions: (schema.Conv2DOptions, 10),
    schema.BuiltinOptions.DepthwiseConv2DOptions: (schema.DepthwiseConv2DOptions, 12),
    schema.BuiltinOptions.FullyConnectedOptions: (schema.FullyConnectedOptions, 4),
    schema.BuiltinOptions.AddOptions: (schema.AddOptions, 4),
    schema.BuiltinOptions.Pool2DOptions: (schema.Pool2DOptions, 14),
}


def without_unreached_relu6(flatbuffer: bytes) -> bytes:
    """Turn ReLU6 into ReLU where the tensor's largest value is far below 6.

    A runtime writes the bound as the integer 6 / scale. With 16-bit activations of a network whose values are tiny
    that exceeds 32 bits, and it refuses the model, though the tensor ends long before 6: nothing changes without it.
    """
    edited = bytearray(flatbuffer)
    subgraph = schema.Model.GetRootAs(edited, 0).Subgraphs(0)
    for position in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(position)
        options_and_field = _OPTIONS.get(operator.BuiltinOptionsType())
        quantization = subgraph.Tensors(operator.Outputs(0)).Quantization()
        if options_and_field is None or quantization is None or not quantization.ScaleLength():
            continue
        options, field = options_and_field[0](), options_and_field[1]
        options.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        if options.FusedActivationFunction() == _RELU6 and 6 / quantization.Scale(0) > _INT32_MAX:
            edited[options._tab.Pos + options._tab.Offset(field)] = schema.ActivationFunctionType.RELU
    return bytes(edited)
