"""Somebody's own layer and function, for `--custom-objects`: of Keras 2 or 3, whichever `tf.keras` is."""

from typing import Any

import tensorflow as tf
from tensorflow import keras


class Gain(keras.layers.Layer):  # type: ignore[misc]
    """Multiplies every channel by a weight of its own, and all of them by a number."""

    def __init__(self, factor: float, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def build(self, shape: Any) -> None:
        """One weight a channel."""
        self.gains = self.add_weight(name="gains", shape=(shape[-1],), initializer="random_uniform")

    def call(self, values: Any) -> Any:
        """The product, float32, the shape of `values`."""
        return tf.multiply(values, self.gains * self.factor)

    def get_config(self) -> dict[str, Any]:
        """What makes the layer anew."""
        return {**super().get_config(), "factor": self.factor}


def half(values: Any) -> Any:
    """Half of the values."""
    return values / 2
