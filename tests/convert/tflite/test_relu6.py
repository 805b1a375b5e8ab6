"""An upper bound of 6 goes where no integer of the tensor stands for so much, and nowhere else."""

from typing import Any

import keras
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.relu6 import without_unreached_relu6
from tests.support.many_operators import fed_noise

RELU6, RELU = schema.ActivationFunctionType.RELU6, schema.ActivationFunctionType.RELU


@pytest.fixture(scope="module")
def flatbuffer() -> bytes:
    """Every operator that may have one fused, dense layers twice."""
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    first = layers.Conv2D(4, 3, padding="same", activation="relu6")(image)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu6")(first)
    x = layers.ReLU(6.0)(layers.Add()([first, x]))
    x = layers.Flatten()(layers.AveragePooling2D(4)(x))
    x = layers.Dense(6, activation="relu6")(x)
    network = keras.Model(image, layers.Dense(3, activation="softmax")(x))
    return to_flatbuffer(with_named_outputs(network), "int8", fed_noise(10))


def read(flatbuffer: bytes) -> Any:
    return flatbuffer_utils.convert_bytearray_to_object(bytearray(flatbuffer))


def bounded(flatbuffer: bytes, scale: float) -> bytes:
    """With the bound behind every operator that can have one, and tensors of this scale there."""
    model = read(flatbuffer)
    tensors = model.subgraphs[0].tensors
    for operator in _with_bound(model):
        operator.builtinOptions.fusedActivationFunction = RELU6
        tensors[operator.outputs[0]].quantization.scale = [scale]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _with_bound(model: Any) -> list[Any]:
    found = [each for each in model.subgraphs[0].operators if hasattr(each.builtinOptions, "fusedActivationFunction")]
    assert len(found) == 6 and len({type(each.builtinOptions) for each in found}) == 5
    return found


def test_a_bound_far_above_the_tensor_becomes_that_of_a_relu(flatbuffer: bytes) -> None:
    before = bounded(flatbuffer, 2.7e-9)  # 6 is 2,222,222,222 steps
    after = without_unreached_relu6(before)
    assert [each.builtinOptions.fusedActivationFunction for each in _with_bound(read(after))] == [RELU] * 6
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 6


def test_a_bound_that_fits_32_bits_stays(flatbuffer: bytes) -> None:
    for scale in (2.9e-9, 0.005):  # 6 is 2,068,965,517 steps
        before = bounded(flatbuffer, scale)
        assert without_unreached_relu6(before) == before
