"""Whether TensorFlow can give a network 16-bit feature maps."""

from tensorflow.lite.python import schema_py_generated as schema

from .kernels import OPERATOR_NAMES

# Small networks of each were converted with TensorFlow 2.21; it refuses others, such as those of layer normalisation.
_OPERATORS = frozenset(
    """
    ADD AVERAGE_POOL_2D BATCH_MATMUL CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXP FULLY_CONNECTED GELU LEAKY_RELU LOG
    LOGISTIC MAX_POOL_2D MAXIMUM MEAN MINIMUM MUL PAD REDUCE_MAX RELU RESHAPE RESIZE_BILINEAR SOFTMAX
    STRIDED_SLICE SUB TANH TILE TRANSPOSE TRANSPOSE_CONV
    """.split()
)


def takes_16_bits(float32: bytes) -> bool:
    """Whether all operators of a float32 model are known to be converted to --int16x8."""
    model = schema.Model.GetRootAs(float32, 0)
    codes = (model.OperatorCodes(place) for place in range(model.OperatorCodesLength()))
    return {OPERATOR_NAMES.get(max(code.BuiltinCode(), code.DeprecatedBuiltinCode())) for code in codes} <= _OPERATORS
