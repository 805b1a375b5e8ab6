"""A small network of depthwise and pointwise convolutions, with pairs of layers that could be confused."""

from pathlib import Path

import numpy as np

from edgecnn.convert import Preprocessing, adopt, convert, load_representative
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

# Operators with weights, in the order in which they run.
OPERATORS = ("stem", "dw1", "pw1", "dw2", "pw2", "pw3", "conv1", "conv2", "dense1", "dense2", "logits")


def make_depthwise(folder: Path) -> RunDirectory:
    """Converted to int8, with random weights and statistics and pictures to compare on in folder / "photos"."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(3)
    image = keras.Input((20, 20, 3))

    def block(layer: keras.layers.Layer, x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.ReLU(6.0)(layers.BatchNormalization()(layer(x)))

    x = block(layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False, name="stem"), image)
    x = block(layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="dw1"), x)
    x = block(layers.Conv2D(16, 1, use_bias=False, name="pw1"), x)
    x = block(layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="dw2"), x)
    x = block(layers.Conv2D(16, 1, use_bias=False, name="pw2"), x)
    x = block(layers.Conv2D(16, 1, use_bias=False, name="pw3"), x)
    for name in ("conv1", "conv2"):
        x = layers.Conv2D(16, 3, activation="relu", bias_initializer="random_normal", name=name)(x)
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    for name in ("dense1", "dense2"):
        x = layers.Dense(16, activation="relu", bias_initializer="random_normal", name=name)(x)
    model = keras.Model(
        image, layers.Dense(5, activation="softmax", bias_initializer="random_normal", name="logits")(x)
    )
    generator = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            (count,) = layer.gamma.shape
            parts = ((0.8, 1.4), (-0.3, 0.3), (-0.2, 0.2), (0.3, 0.9))
            layer.set_weights([generator.uniform(low, high, count) for low, high in parts])
    model.save(folder / "depthwise.keras")
    coarse = generator.integers(0, 256, (60, 5, 5, 3), np.uint8)
    save_pictures(folder / "photos", coarse.repeat(4, axis=1).repeat(4, axis=2))
    run = adopt(folder / "depthwise.keras", tuple("abcde"), folder / "run", Preprocessing((1 / 127.5,), (-1.0,)))
    convert(run, pictures_of(folder), calibration_images=40)
    return RunDirectory(run)


def pictures_of(folder: Path) -> Dataset:
    """The pictures of `make_depthwise`."""
    return load_representative(folder / "photos", RunDirectory(folder / "run").read_card())
