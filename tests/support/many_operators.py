"""A small network of most operators that int8 files have, with random weights."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras


def make_many_operators() -> "keras.Model":
    """Convolutions of all kinds, pools, activations, squeeze-and-excite, residual; 16 x 16 RGB, 5 classes."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(7)
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="silu", bias_initializer="random_normal")(image)
    y = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, activation="hard_silu")(x)
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(y)
    y = layers.Multiply()([y, layers.Conv2D(16, 1, activation="sigmoid")(squeezed)])
    x = layers.Add()([x, layers.Conv2D(8, 1)(y)])
    pooled = layers.AveragePooling2D(2)(x), layers.MaxPooling2D(2)(x)
    x = layers.Concatenate()([*pooled, layers.Conv2D(4, 3, strides=2, padding="same", activation="tanh")(x)])
    x = layers.Conv2D(8, 3, activation="relu6")(layers.ZeroPadding2D(1)(x))
    x = layers.Rescaling(0.7, 0.1)(x)  # by a constant without a shape
    x = layers.Conv2D(8, 2, groups=4, activation="gelu", bias_initializer="random_normal")(x)
    x = layers.PReLU("random_uniform", shared_axes=(1, 2))(layers.Conv2D(8, 1)(x))
    flat = layers.Concatenate()([layers.Flatten()(x), layers.GlobalMaxPooling2D()(x)])
    x = layers.Dense(12, activation="leaky_relu")(flat)
    return keras.Model(image, layers.Dense(5, activation="softmax", bias_initializer="random_normal")(x))


def make_moved_axes() -> "keras.Model":
    """A sum of values whose axes of 1 the converter drops, and axes that are turned; 16 x 16 RGB, 5 classes."""
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(7)
    image = keras.Input((16, 16, 3))
    small = layers.Conv2D(6, 1, activation="relu")(layers.AveragePooling2D(16)(image))
    small = layers.Add()([small, layers.Conv2D(6, 1)(small)])
    turned = layers.Permute((3, 1, 2))(layers.Conv2D(2, 4, strides=4)(image))  # as before dense layers, channels first
    flat = layers.Concatenate()([layers.Flatten()(small), layers.Flatten()(turned)])
    return keras.Model(image, layers.Dense(5, activation="softmax")(flat))


def noise(count: int, seed: int = 0) -> np.ndarray:
    """Images of coarse noise: uint8 (count, 16, 16, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def fed_noise(count: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """The same as the network is fed with it, from 0 to 1."""
    return np.asarray(noise(count, seed) / 255, np.float32)
