"""Networks of which it is known why they answer what they do."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.device import Description
from edgecnn.device.runtime.loaded_model import LoadedModel
from edgecnn.device.runtime.loading import open_model
from edgecnn.device.runtime.run_options import RunOptions
from tests.support.tflite_files import converted

HEIGHT, WIDTH = 30, 20
SPOT = slice(16, 24), slice(3, 9)  # the rows and columns that alone decide


def spot_network() -> Any:
    """Takes colour images 30 x 20: the more red is in the spot, the more probable is `lit`. Nothing else counts."""
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((HEIGHT, WIDTH, 3))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(image)))
    weights = np.zeros((HEIGHT, WIDTH, 3, 2), np.float32)
    weights[(*SPOT, 0, 1)] = 6 / weights[(*SPOT, 0, 1)].size
    model.layers[-1].set_weights([weights.reshape(-1, 2), np.array([0, -3], np.float32)])
    return model


def averaging_network(end: str = "mean") -> Any:
    """Takes colour images 8 x 8; gives `probabilities` of three classes, and `last`, the map before its end.

    Args:
        end: `mean`, `pool` and `1x1` are global average pooling and one dense layer, in three spellings; `part`
            averages a part only, `deep` has two dense layers, `flat` none of it; `sum` averages the sum of `last` and
            of another map, which is no layer's.
    """
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    layers = keras.layers
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    last = layers.Conv2D(5, 3, activation="relu", name="last")(image)
    averaged = layers.Add()([last, layers.Conv2D(5, 3, name="other")(image)]) if end == "sum" else last
    dense = layers.Dense(3, name="dense", bias_initializer="normal")
    if end == "1x1":
        point = layers.Conv2D(3, 1, name="dense", bias_initializer="normal")
        scores = layers.Flatten()(point(layers.GlobalAveragePooling2D(keepdims=True)(last)))
    elif end in ("pool", "part"):
        scores = dense(layers.Flatten()(layers.AveragePooling2D(6 if end == "pool" else 4)(last)))
    elif end == "flat":
        scores = dense(layers.Flatten()(last))
    else:
        mean = layers.GlobalAveragePooling2D()(averaged)
        scores = dense(layers.Dense(4, activation="relu", name="hidden")(mean) if end == "deep" else mean)
    return keras.Model(image, {"probabilities": layers.Softmax()(scores), "last": last})


def opened(path: Path, model: Any, quantized: str = "") -> LoadedModel:
    """A Keras model as a .tflite file at `path` that takes pixels as 0 to 1, its classes called a, b, c, open."""
    path.write_bytes(converted(model, quantized))
    labels = tuple("abc"[: model.outputs[-1].shape[-1]])
    return open_model(path, RunOptions(trust=True, description=Description(labels, (0, 1))))
