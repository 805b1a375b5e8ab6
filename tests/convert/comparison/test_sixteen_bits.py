"""A finer scheme is advised where TensorFlow can make it."""

import keras
import numpy as np
import pytest

from edgecnn.convert.comparison.causes import finer_steps
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.sixteen_bits import takes_16_bits
from edgecnn.errors import EdgecnnError
from edgecnn.model_file.tflite_graph import read_graph


def many_operators() -> keras.Model:
    layers = keras.layers
    image = keras.Input((8, 8, 3))
    x = layers.LeakyReLU()(layers.Conv2D(4, 3, padding="same")(layers.ZeroPadding2D(1)(image)))
    x = layers.Activation("tanh")(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.Concatenate()([layers.MaxPooling2D()(x), layers.AveragePooling2D(2)(x)])
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    x = layers.Multiply()([x, layers.Conv2D(8, 1, activation="sigmoid")(x)])
    x = layers.ReLU()(layers.Permute((2, 1, 3))(layers.Add()([x, layers.Conv2DTranspose(8, 3, padding="same")(x)])))
    x = layers.Dense(4, activation="gelu")(layers.Reshape((8,))(layers.GlobalAveragePooling2D()(x)))
    return keras.Model(image, {"probabilities": layers.Dense(3, activation="softmax")(x)})


def test_of_a_network_of_many_operators_it_is_advised_and_made() -> None:
    images = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    float32 = to_flatbuffer(many_operators(), "float32", images)
    assert takes_16_bits(float32) and len({each.name for each in read_graph(float32, "it").operators}) >= 14
    assert len(to_flatbuffer(many_operators(), "int16x8", images)) > 0


@pytest.mark.parametrize(
    ("layer", "takes"),
    [(keras.layers.MaxPooling2D(), True), (keras.layers.LayerNormalization(), False)],
    ids=["pooling", "layer normalisation"],
)
def test_what_is_advised_can_be_converted(layer: keras.layers.Layer, takes: bool) -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D()(layer(keras.layers.Conv2D(4, 3)(image)))
    model = keras.Model(image, {"probabilities": keras.layers.Dense(3, activation="softmax")(x)})
    images = np.random.default_rng(0).random((4, 8, 8, 3), np.float32)
    assert takes_16_bits(to_flatbuffer(model, "float32", images)) == takes
    assert ("--int16x8" in finer_steps("int8", takes)) == takes and "--float16" in finer_steps("int8", takes)
    try:
        to_flatbuffer(model, "int16x8", images)
    except EdgecnnError:
        assert not takes
