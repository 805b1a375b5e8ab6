"""Batch normalisation in one operator of TensorFlow, where Keras takes a dozen."""

from typing import Any

import keras


class FusedNormalization(keras.layers.Layer):
    """What `normalization` computes in training, its moving statistics too, in half of the time and memory.

    Keras reads and writes all values anew for each step of the formula (Ioffe and Szegedy, "Batch Normalization",
    2015); TensorFlow's own operator does so twice. Outside of training it is `normalization` itself.
    """

    def __init__(self, normalization: keras.layers.BatchNormalization) -> None:
        super().__init__(name=f"{normalization.name}_fused", dtype=normalization.dtype_policy)
        self.normalization = normalization
        self.supports_masking = True  # as Keras' own

    def call(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise x, (batch, height, width, channels), by its own mean and variance in training."""
        layer = self.normalization
        if mask is not None or not (training and layer.trainable):
            return layer(x, training=training, mask=mask)
        import tensorflow as tf

        channels = x.shape[-1]
        fused = tf.raw_ops.FusedBatchNormV3(
            x=x,
            scale=layer.gamma.value if layer.scale else tf.ones(channels),
            offset=layer.beta.value if layer.center else tf.zeros(channels),
            mean=tf.zeros(0),
            variance=tf.zeros(0),
            epsilon=layer.epsilon,
        )
        # TensorFlow's variance is divided by one less than the number of values, Keras' by the number.
        values = tf.cast(tf.size(x) // channels, tf.float32)
        variance = fused.batch_variance * (1 - 1 / values)
        for moving, of_batch in ((layer.moving_mean, fused.batch_mean), (layer.moving_variance, variance)):
            moving.assign(moving.value * layer.momentum + of_batch * (1 - layer.momentum))
        return fused.y


def can_fuse(layer: keras.layers.Layer) -> bool:
    """Whether `FusedNormalization` computes what `layer` does."""
    return (
        keras.backend.backend() == "tensorflow"
        and type(layer) is keras.layers.BatchNormalization
        and layer.input_spec.ndim == 4
        and layer.axis in (-1, 3)
        and not layer.synchronized
        and not getattr(layer, "renorm", False)
    )
