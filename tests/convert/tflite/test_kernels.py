"""The constants of convolutions and dense layers, read from a flatbuffer and written into it."""

import dataclasses

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.kernels import Kernel, read_kernels, with_constants


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    """Three convolutions and two dense layers; two convolutions have theirs from one place."""
    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(3, 3, padding="same", bias_initializer="random_normal")(image)
    x = layers.DepthwiseConv2D(3, activation="relu", bias_initializer="random_normal")(x)
    x = layers.Conv2D(3, 3, bias_initializer="random_normal")(x)
    x = layers.Dense(3, activation="relu", bias_initializer="random_normal")(layers.Flatten()(x))
    network = keras.Model(image, layers.Dense(4, activation="softmax", bias_initializer="random_normal")(x))
    made = to_flatbuffer(with_named_outputs(network), "float32", np.empty((0, 6, 6, 3), np.float32))
    model, kernels = schema.ModelT.InitFromPackedBuf(made, 0), read_kernels(made)
    tensors = model.subgraphs[0].tensors
    for first, last in zip(kernels.tensors[0], kernels.tensors[2], strict=True):
        assert first is not None and last is not None
        tensors[last].buffer = tensors[first].buffer
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def test_each_operator_gets_the_numbers_that_are_written_for_it(flatbuffer: bytes) -> None:
    kernels = read_kernels(flatbuffer)
    np.testing.assert_array_equal(kernels[0].weights.values, kernels[2].weights.values)

    def changed(place: int, kernel: Kernel) -> Kernel:
        weights = dataclasses.replace(kernel.weights, values=kernel.weights.values + place)
        assert kernel.bias
        return Kernel(kernel.operator, weights, dataclasses.replace(kernel.bias, values=kernel.bias.values - place))

    others = [changed(place, kernel) for place, kernel in enumerate(kernels)]
    found = read_kernels(with_constants(flatbuffer, others))
    assert len(found) == 5 and found.shapes == kernels.shapes
    for wanted, kernel in zip(others, found, strict=True):
        assert wanted.bias and kernel.bias
        np.testing.assert_allclose(kernel.weights.values, wanted.weights.values, rtol=1e-6)
        np.testing.assert_allclose(kernel.bias.values, wanted.bias.values, rtol=1e-6)


def test_a_slice_of_the_kernels_is_those_in_their_order(flatbuffer: bytes) -> None:
    kernels = read_kernels(flatbuffer)
    names = ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "FULLY_CONNECTED", "FULLY_CONNECTED"]
    assert [kernel.operator for kernel in kernels] == names
    assert [kernel.operator for kernel in kernels[1:4]] == names[1:4] and kernels[-1].weights.values.shape == (4, 3)


@pytest.mark.parametrize(("scheme", "per_tensor"), [("int8", False), ("int8", True), ("float16", False)])
def test_a_constant_is_as_far_from_its_origin_as_rounding_may_put_it(scheme: str, per_tensor: bool) -> None:
    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, bias_initializer="random_normal")(image)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, bias_initializer="random_normal")(x)
    x = layers.Dense(64, bias_initializer="random_normal")(layers.Flatten()(x))
    network = with_named_outputs(keras.Model(image, layers.Dense(5, activation="softmax")(x)))
    images = np.random.default_rng(1).uniform(0, 1, (8, 6, 6, 3)).astype(np.float32)
    real = read_kernels(to_flatbuffer(network, "float32", images))
    found = read_kernels(to_flatbuffer(network, scheme, images, dense_per_tensor=per_tensor))
    assert found.shapes == real.shapes
    for here, there in zip(found, real, strict=True):
        for one, origin in [(here.weights, there.weights), *([(here.bias, there.bias)] if here.bias else [])]:
            assert origin
            off = np.abs(one.values - origin.values) / one.error
            assert off.max() <= 1.001  # what is measured in it tells a changed weight from a rounded one
            assert (one.low <= one.values).all() and (one.values <= one.high).all()
        off = np.abs(here.weights.values - there.weights.values) / here.weights.error
        assert off.max() > (0.9 if scheme == "int8" else 0.4)  # of half precision, no more than half of it is used
        if scheme == "int8":
            np.testing.assert_allclose(here.weights.high / here.weights.error, 2 * 127)
            np.testing.assert_allclose(here.weights.low / here.weights.error, -2 * 128)
