"""Quantization-aware training: the simulated int8 network learns the answers of the float network."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from .simulation import Floats, Simulation

_BATCH = 64
# Of a weight's or an activation's step, an update: in some hundred updates a weight can reach the next integer.
_LEARNING_RATE = 0.005


def divergence(expected: npt.NDArray[np.floating], found: npt.NDArray[np.floating]) -> float:
    """How far probabilities are from those expected: mean Kullback-Leibler divergence of logits (count, classes)."""
    return float(tf.reduce_mean(_divergences(tf.convert_to_tensor(expected), tf.convert_to_tensor(found))))


def _divergences(expected: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
    wanted, given = tf.nn.log_softmax(expected), tf.nn.log_softmax(found)
    return tf.reduce_sum(tf.exp(wanted) * (wanted - given), -1)


def train(
    simulation: Simulation,
    fed: Callable[[npt.NDArray[np.int64]], Floats],
    teacher: Floats,
    epochs: int,
    seed: int,
    progress: Callable[[str], None],
) -> None:
    """Train weights and biases on what the float network says of the training images; ranges stay.

    Args:
        simulation: of the int8 network.
        fed: the images of some rows, float32 (count, height, width, channels), as the model is fed.
        teacher: float32 (images, classes), logits of the float network.
        epochs: how often every image is seen.
        seed: of their order.
        progress: is told of each epoch.
    """
    variables = [*simulation.weights.values(), *simulation.trainable_biases]
    count = max(1, len(teacher) // _BATCH)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, epochs * count))
    optimizer.build(variables)
    logits = simulation.logits

    def step(images: tf.Tensor, wanted: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            given = simulation.run(images, quantized=True)[logits]
            loss = tf.reduce_mean(_divergences(wanted, given))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    traced = tf.function(step, reduce_retracing=True, autograph=False)
    order = np.random.default_rng(seed)
    for epoch in range(epochs):
        losses = []
        for rows in np.array_split(order.permutation(len(teacher)), count):
            losses.append(float(traced(fed(rows), teacher[rows])))
        progress(f"epoch {epoch + 1} of {epochs}: divergence from Keras {np.mean(losses):.2e}")
