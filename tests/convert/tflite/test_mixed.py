"""Mixed precision of a network that is large enough for the quantizer to put its weights behind the flatbuffer."""

import keras
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert.network.feature_maps import with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.convert.tflite.kernels import read_kernels

IMAGES = np.random.default_rng(2).uniform(0, 1, (4, 8, 8, 1)).astype(np.float32)


def test_all_weights_of_a_large_network_lie_in_the_flatbuffer() -> None:
    layers = keras.layers
    keras.utils.set_random_seed(5)
    network = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(600, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    made = to_flatbuffer(with_named_outputs(network), "mixed", IMAGES)
    model = schema.Model.GetRootAs(made, 0)
    assert not any(model.Buffers(place).Offset() for place in range(model.BuffersLength()))
    own = [layer.kernel.numpy() for layer in network.layers if layer.weights]
    axes = (3, 0, 1, 2), (1, 0), (1, 0)
    for kernel, weights, order in zip(read_kernels(made), own, axes, strict=True):
        step = np.abs(weights).max() / 127
        np.testing.assert_allclose(kernel.weights.values, weights.transpose(order), atol=0.51 * step)
