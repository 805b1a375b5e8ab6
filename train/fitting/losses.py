"""What a training minimises and counts."""

from typing import Any

import keras

from ..recipes import Recipe

_EPSILON = 1e-7  # Keras' own: a probability of 0 must not cost infinity

Tensor = Any  # of the backend that Keras runs on


def build_loss(recipe: Recipe, classes: int, distils: bool) -> keras.losses.Loss:
    """The recipe's loss for labels, int (batch,), or for a teacher's targets, float32 (batch, 2 + classes)."""
    if distils:
        return Distillation(recipe, classes)
    if recipe.label_smoothing:
        return Smoothed(recipe.label_smoothing, classes)
    return keras.losses.SparseCategoricalCrossentropy()


class Smoothed(keras.losses.Loss):
    """Cross-entropy with a share of the target spread over all classes.

    Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7.
    """

    def __init__(self, smoothing: float, classes: int) -> None:
        super().__init__(name="smoothed")
        self._smoothing, self._classes = smoothing, classes

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each image: labels (batch,) or (batch, 1) against probabilities (batch, classes)."""
        labels = keras.ops.reshape(keras.ops.cast(y_true, "int32"), (-1,))
        targets = keras.ops.one_hot(labels, self._classes)
        return keras.losses.categorical_crossentropy(targets, y_pred, label_smoothing=self._smoothing)


class Distillation(keras.losses.Loss):
    """A teacher's softened probabilities as targets, and the labels.

    Hinton et al., "Distilling the Knowledge in a Neural Network" (2015): both sides' logits are divided by the
    temperature T, and the teacher's part is multiplied by T² so that its gradients keep their size.
    """

    def __init__(self, recipe: Recipe, classes: int) -> None:
        super().__init__(name="distillation")
        self._temperature = recipe.temperature
        self._hard = Smoothed(recipe.label_smoothing, classes)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Loss of each image: targets (batch, 2 + classes), see `Batches`, against probabilities (batch, classes)."""
        ops, temperature, share = keras.ops, self._temperature, y_true[:, 1]
        teacher = ops.softmax(ops.log(ops.maximum(y_true[:, 2:], _EPSILON)) / temperature)
        student = ops.softmax(ops.log(ops.maximum(y_pred, _EPSILON)) / temperature)
        soft = keras.losses.categorical_crossentropy(teacher, student) * temperature**2
        return share * soft + (1 - share) * self._hard.call(y_true[:, 0], y_pred)


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 for each image whose top-1 is its label, else 0; targets as in `build_loss`."""
    ops = keras.ops
    labels = y_true[:, 0] if len(y_true.shape) == 2 else y_true
    return ops.cast(ops.equal(ops.cast(labels, "int32"), ops.cast(ops.argmax(y_pred, axis=-1), "int32")), "float32")
