"""Files with other operators or other names than Keras' network has; and the weights of transposed convolutions."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from edgecnn.convert.comparison.keras_kernels import layer_names
from edgecnn.convert.comparison.operators import compare_operators
from edgecnn.convert.comparison.other_build import built_otherwise
from edgecnn.convert.comparison.weights import compare_weights
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.kernels import read_kernels, with_constants


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Two gated blocks behind a transposed convolution with a bias."""
    layers = keras.layers
    keras.utils.set_random_seed(5)
    image = keras.Input((6, 6, 3))
    x = layers.Conv2DTranspose(4, 3, strides=2, padding="same", bias_initializer="random_normal", name="up")(image)
    for name in ("first", "second"):
        y = layers.Conv2D(4, 3, padding="same", activation="tanh", name=name)(x)
        x = layers.Multiply()([y, layers.Conv2D(4, 1, activation="sigmoid", name=f"{name}_gate")(x)])
    x = layers.GlobalAveragePooling2D(name="average")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax", name="logits")(x))


@pytest.fixture(scope="module")
def flatbuffer(network: keras.Model) -> bytes:
    named = with_named_outputs(network, feature_maps(network))
    return to_flatbuffer(named, "float32", np.empty((0, 6, 6, 3), np.float32))


def changed(flatbuffer: bytes, change: Callable[[schema.ModelT], None]) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    change(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def operators(model: schema.ModelT, name: str) -> list["schema.OperatorT"]:
    code = getattr(schema.BuiltinOperator, name)
    return [one for one in model.subgraphs[0].operators if model.operatorCodes[one.opcodeIndex].builtinCode == code]


def bypass_a_gate(model: schema.ModelT) -> None:
    gate = operators(model, "MUL")[0]
    model.subgraphs[0].operators.remove(gate)
    for one in model.subgraphs[0].operators:
        one.inputs = [gate.inputs[0] if index == gate.outputs[0] else index for index in one.inputs]


def append_a_tanh(model: schema.ModelT) -> None:
    tanh, dense = operators(model, "TANH")[-1], operators(model, "FULLY_CONNECTED")[0]
    more = schema.OperatorT()
    more.opcodeIndex, more.inputs, more.outputs = tanh.opcodeIndex, [dense.inputs[0]], [dense.inputs[0]]
    model.subgraphs[0].operators.insert(model.subgraphs[0].operators.index(dense), more)


def swap_names(model: schema.ModelT) -> None:
    named = {output.name: output for output in model.signatureDefs[0].outputs}
    one, other = named[b"first"], named[b"second"]
    one.tensorIndex, other.tensorIndex = other.tensorIndex, one.tensorIndex


def take_the_other_gate(model: schema.ModelT) -> None:
    first, second = operators(model, "MUL")
    second.inputs = [second.inputs[0], first.inputs[1]]


def test_operators_that_are_missing_or_more_are_named_with_their_layer(flatbuffer: bytes) -> None:
    assert built_otherwise(flatbuffer, flatbuffer) is None
    layer, words = built_otherwise(flatbuffer, changed(flatbuffer, bypass_a_gate)) or ("", "")
    assert layer.startswith("second") and words == "the file lacks MUL, which Keras has"
    layer, words = built_otherwise(flatbuffer, changed(flatbuffer, append_a_tanh)) or ("", "")
    assert layer == "probabilities" and words == "the file has TANH more"


def test_values_under_the_name_of_another_layer_are_named(flatbuffer: bytes) -> None:
    assert compare_operators(flatbuffer, flatbuffer) == ()
    faults = compare_operators(flatbuffer, changed(flatbuffer, swap_names))
    assert {fault.layer: fault.words for fault in faults} == {
        "first": "what the file gives by this name are the values of second",
        "second": "what the file gives by this name are the values of first",
    }


def test_a_layer_without_a_feature_map_is_called_by_its_name_all_the_same(flatbuffer: bytes) -> None:
    (fault,) = compare_operators(flatbuffer, changed(flatbuffer, take_the_other_gate))
    assert fault.layer.startswith("multiply")
    assert fault.words == "its MUL takes the values of first_gate and second, in Keras of second and second_gate"


def test_weights_of_a_transposed_convolution_are_compared(network: keras.Model, flatbuffer: bytes) -> None:
    expected = read_kernels(flatbuffer)
    up = expected[0]
    values = up.weights.values.copy()
    values[1] = values[1, :, ::-1].copy()
    values[[0, 3]] = values[[3, 0]]
    others = [dataclasses.replace(up, weights=dataclasses.replace(up.weights, values=values)), *expected[1:]]
    names = layer_names(network, expected)
    assert names == ("up", "first", "first_gate", "second", "second_gate", "logits")
    (fault,) = compare_weights(expected, read_kernels(with_constants(flatbuffer, others)), names)
    assert (fault.layer, fault.channels) == ("up", (0, 1, 3))
    assert fault.words == "channels 0 and 3 are exchanged; channel 1 is mirrored left to right"
