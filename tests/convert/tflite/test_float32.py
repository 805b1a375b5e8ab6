"""What is made of the float32 conversion has the bytes that TensorFlow makes of the model itself."""

import sys
from types import SimpleNamespace
from unittest.mock import Mock

import keras
import numpy as np
import pytest
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from edgecnn import EdgecnnError
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.exporters import EXPORTERS, OF_FLOAT32, ExportInput
from edgecnn.convert.tflite.float32 import to_float32
from edgecnn.convert.tflite.saved_model import converter_of
from edgecnn.convert.tflite.shared_zero_points import with_zero_points_shared
from edgecnn.model_file.container import add_header
from edgecnn.model_file.schemes import SCHEMES, IoType

IMAGES = np.random.default_rng(1).uniform(-1, 1, (5, 9, 9, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(4)
    layers = keras.layers
    image = keras.Input((9, 9, 3))
    entry = layers.DepthwiseConv2D(3, padding="same", activation="relu6", bias_initializer="random_normal")(image)
    branch = layers.BatchNormalization()(layers.Conv2D(3, 1, use_bias=False)(entry))
    joined = layers.Concatenate()([layers.Add()([entry, branch]), layers.AveragePooling2D(3, 1, padding="same")(entry)])
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(7, 3, strides=2, activation="tanh")(joined))
    network = keras.Model(image, layers.Dense(4, activation="softmax")(pooled))
    return with_named_outputs(network, feature_maps(network))


def by_tensorflow(model: keras.Model, scheme: str, io: IoType) -> bytes:
    with converter_of(model) as converter:
        return add_header(with_zero_points_shared(EXPORTERS[scheme](ExportInput(converter, IMAGES, io))))


@pytest.fixture(scope="module")
def float32(model: keras.Model) -> bytes:
    return to_float32(model)


@pytest.mark.parametrize(("scheme", "io"), [*((scheme, "int8") for scheme in sorted(OF_FLOAT32)), ("int8", "uint8")])
def test_bytes_are_those_of_the_long_way(model: keras.Model, float32: bytes, scheme: str, io: IoType) -> None:
    short = to_flatbuffer(model, scheme, IMAGES, io, float32=lambda: float32)
    assert short == by_tensorflow(model, scheme, io)


def test_other_schemes_go_the_long_way(model: keras.Model) -> None:
    def never() -> bytes:
        raise AssertionError("asked for float32")

    for scheme in set(SCHEMES) - OF_FLOAT32:
        assert to_flatbuffer(model, scheme, IMAGES, float32=never) == by_tensorflow(model, scheme, "int8")


def test_a_tensorflow_that_is_made_otherwise_inside_goes_the_long_way(
    model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never() -> bytes:
        raise AssertionError("asked for float32")

    monkeypatch.setitem(sys.modules, "edgecnn.convert.tflite.float32", None)  # its import fails
    assert to_flatbuffer(model, "int8", IMAGES, float32=never) == by_tensorflow(model, "int8", "int8")


class Repeated(keras.layers.Layer):  # type: ignore[misc]
    """A weight in a loop, as no flat graph has one."""

    def build(self, shape: tuple[int, ...]) -> None:
        self.gain = self.add_weight(shape=(shape[-1],), initializer="random_uniform")

    def call(self, values: keras.KerasTensor) -> keras.KerasTensor:
        repeated = keras.ops.while_loop(lambda i, _: i < 3, lambda i, one: (i + 1, one * self.gain + 1), (0, values))
        return repeated[1]


@pytest.mark.parametrize("loops", [False, True])
def test_a_tensorflow_that_freezes_graphs_otherwise_makes_the_same_bytes(
    loops: bool, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loops:
        keras.utils.set_random_seed(4)
        values = Repeated()(keras.layers.Conv2D(4, 3)(image := keras.Input((9, 9, 3))))
        pooled = keras.layers.GlobalAveragePooling2D()(values)
        model = with_named_outputs(keras.Model(image, keras.layers.Dense(2, activation="softmax")(pooled)))
    short = to_float32(model)
    public = SimpleNamespace(convert_variables_to_constants_v2=Mock(wraps=convert_variables_to_constants_v2))
    monkeypatch.setattr("edgecnn.convert.tflite.saved_model.convert_to_constants", public)
    assert to_float32(model) == short and public.convert_variables_to_constants_v2.called


def test_a_refusal_names_the_layer_and_the_scheme() -> None:
    volume = keras.layers.Reshape((4, 4, 4, 1))(image := keras.Input((8, 8, 1)))
    pooled = keras.layers.Flatten()(keras.layers.MaxPooling3D(name="cubes")(volume))
    model = with_named_outputs(keras.Model(image, keras.layers.Dense(2, activation="softmax")(pooled)))
    for scheme in ("float32", "int8"):
        with pytest.raises(EdgecnnError) as refusal:
            to_flatbuffer(model, scheme, np.zeros((2, 8, 8, 1), np.float32))
        assert f"convert the model to {scheme}: layer cubes needs MaxPool3D" in str(refusal.value)
        assert "--float32" not in str(refusal.value)
