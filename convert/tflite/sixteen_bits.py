"""Whether TensorFlow can give a network 16-bit feature maps."""

from edgecnn.model_file.tflite_graph import read_graph

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
    return {operator.name for operator in read_graph(float32, "the float32 model").operators} <= _OPERATORS
