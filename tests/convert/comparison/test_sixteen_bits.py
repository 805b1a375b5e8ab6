"""A finer scheme is advised where TensorFlow can make it."""

import keras
import numpy as np
import pytest

from edgecnn.convert.comparison.causes import finer_steps
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.sixteen_bits import takes_16_bits
from edgecnn.errors import EdgecnnError


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
