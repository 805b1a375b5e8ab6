"""What TFLite's operators compute, in TensorFlow: on real numbers, in batches, with gradients."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

# Takes an operator's options and inputs; a constant that is a shape or an axis is a NumPy array.
Compute = Callable[[Any, Sequence[Any]], tf.Tensor]
_PADDINGS: dict[int, Literal["SAME", "VALID"]] = {schema.Padding.SAME: "SAME", schema.Padding.VALID: "VALID"}
_ACTIVATIONS: dict[int, Callable[[Any], Any]] = {
    schema.ActivationFunctionType.NONE: tf.identity,
    schema.ActivationFunctionType.RELU: tf.nn.relu,
    schema.ActivationFunctionType.RELU6: tf.nn.relu6,
    schema.ActivationFunctionType.RELU_N1_TO_1: lambda x: tf.clip_by_value(x, -1.0, 1.0),
}


def _conv(options: Any, inputs: Sequence[Any]) -> tf.Tensor:
    kernel = tf.transpose(inputs[1], (1, 2, 3, 0))
    dilations = (options.dilationHFactor, options.dilationWFactor)
    strides = (options.strideH, options.strideW)
    padding = _PADDINGS[options.padding]
    groups = inputs[0].shape[3] // kernel.shape[2]
    # Each group by itself: not every processor's TensorFlow has gradients of grouped convolutions.
    parts = zip(tf.split(inputs[0], groups, 3), tf.split(kernel, groups, 3), strict=True)
    return tf.concat([tf.nn.conv2d(*part, strides, padding, dilations=dilations) for part in parts], 3) + inputs[2]


def _depthwise(options: Any, inputs: Sequence[Any]) -> tf.Tensor:
    height, width = inputs[1].shape[1:3]
    kernel = tf.reshape(inputs[1], (height, width, inputs[0].shape[3], -1))
    strides = (1, options.strideH, options.strideW, 1)
    dilations = (options.dilationHFactor, options.dilationWFactor)
    padding = _PADDINGS[options.padding]
    return tf.nn.depthwise_conv2d(inputs[0], kernel, strides, padding, dilations=dilations) + inputs[2]


def _dense(_options: Any, inputs: Sequence[Any]) -> tf.Tensor:
    values = tf.reshape(inputs[0], (-1, inputs[1].shape[1]))
    product = tf.matmul(values, inputs[1], transpose_b=True)
    return product if len(inputs) < 3 else product + inputs[2]


def _pool(kind: str) -> Compute:
    def compute(options: Any, inputs: Sequence[Any]) -> tf.Tensor:
        window, strides = (options.filterHeight, options.filterWidth), (options.strideH, options.strideW)
        return tf.nn.pool(inputs[0], window, kind, strides, _PADDINGS[options.padding])

    return compute


def _reshape(options: Any, inputs: Sequence[Any]) -> tf.Tensor:
    shape = [int(size) for size in (inputs[1] if len(inputs) > 1 else options.newShape)]
    # The batch of a file is 1, an axis which the converter drops in front of what is added to values of more axes.
    if shape[0] > 1 and list(inputs[0].shape[-len(shape) :]) == shape:
        return inputs[0]
    return tf.reshape(inputs[0], (-1, *(shape if shape[0] > 1 else shape[1:])))


def _unary(function: Callable[[Any], Any]) -> Compute:
    return lambda options, inputs: function(inputs[0])


def _binary(function: Callable[[Any, Any], Any]) -> Compute:
    return lambda options, inputs: function(inputs[0], inputs[1])


OPERATORS: dict[str, Compute] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "MAX_POOL_2D": _pool("MAX"),
    "AVERAGE_POOL_2D": _pool("AVG"),
    "MEAN": lambda options, inputs: tf.reduce_mean(inputs[0], inputs[1].tolist(), bool(options.keepDims)),
    "REDUCE_MAX": lambda options, inputs: tf.reduce_max(inputs[0], inputs[1].tolist(), bool(options.keepDims)),
    "RESHAPE": _reshape,
    "TRANSPOSE": lambda options, inputs: tf.transpose(inputs[0], inputs[1]),
    "PAD": lambda options, inputs: tf.pad(inputs[0], inputs[1]),
    "CONCATENATION": lambda options, inputs: tf.concat(inputs, options.axis),
    "ADD": _binary(tf.add),
    "SUB": _binary(tf.subtract),
    "MUL": _binary(tf.multiply),
    "MINIMUM": _binary(tf.minimum),
    "MAXIMUM": _binary(tf.maximum),
    "QUANTIZE": _unary(tf.identity),
    "DEQUANTIZE": _unary(tf.identity),
    "NEG": _unary(tf.negative),
    "RELU": _unary(tf.nn.relu),
    "RELU6": _unary(tf.nn.relu6),
    "LOGISTIC": _unary(tf.sigmoid),
    "TANH": _unary(tf.tanh),
    "ELU": _unary(tf.nn.elu),
    "GELU": lambda options, inputs: tf.nn.gelu(inputs[0], options.approximate),
    "PRELU": _binary(lambda x, slopes: tf.where(x < 0, slopes * x, x)),
    "HARD_SWISH": _unary(lambda x: x * tf.nn.relu6(x + 3.0) / 6.0),
    "LEAKY_RELU": lambda options, inputs: tf.nn.leaky_relu(inputs[0], options.alpha),
    "SOFTMAX": lambda options, inputs: tf.nn.softmax(options.beta * inputs[0]),
}


def compute(name: str, options: Any, inputs: Sequence[Any]) -> tf.Tensor:
    """What the operator `name` gives, after the activation that is fused into it."""
    fused = getattr(options, "fusedActivationFunction", schema.ActivationFunctionType.NONE)
    return _ACTIVATIONS[fused](OPERATORS[name](options, inputs))


def patches(name: str, options: Any, values: Any, weights: Any) -> tf.Tensor:
    """What an operator multiplies with each of its weights.

    Args:
        name: of an operator with weights.
        options: its own.
        values: what it takes, (batch, ...).
        weights: in TFLite's order.

    Returns:
        (groups, positions, weights of a channel): the channels of a group see the same inputs; of a depthwise
        convolution each input is a group.
    """
    if name == "FULLY_CONNECTED":
        return tf.reshape(values, (1, -1, weights.shape[1]))
    sizes, strides = (1, *weights.shape[1:3], 1), (1, options.strideH, options.strideW, 1)
    rates = (1, options.dilationHFactor, options.dilationWFactor, 1)
    cut = tf.image.extract_patches(values, sizes, strides, rates, _PADDINGS[options.padding])
    each = 1 if name == "DEPTHWISE_CONV_2D" else weights.shape[3]
    groups, area = values.shape[-1] // each, weights.shape[1] * weights.shape[2]
    apart = tf.transpose(tf.reshape(cut, (-1, area, groups, each)), (2, 0, 1, 3))
    return tf.reshape(apart, (groups, -1, area * each))
