"""Batch normalisation in one operator: the values, gradients and statistics of Keras' own."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf

from edgecnn.train.fitting.normalization import FusedNormalization, can_fuse

L = keras.layers
SHAPE = (5, 4, 3, 6)  # few values for each channel: the two variances, of sample and population, differ by 2 %


def _normalization(**options: Any) -> keras.layers.BatchNormalization:
    keras.utils.set_random_seed(3)
    layer = L.BatchNormalization(gamma_initializer="random_uniform", beta_initializer="random_normal", **options)
    layer.build(SHAPE)
    return layer


def _step(layer: keras.layers.Layer, x: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
    """Outputs, the gradient of the inputs, and those of the weights, of one step of training."""
    inputs, factors = tf.constant(x), tf.constant(np.random.default_rng(1).normal(size=SHAPE).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = tf.cast(layer(inputs, training=True), tf.float32)
        loss = tf.reduce_sum(factors * outputs)
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    return np.asarray(outputs), *map(np.asarray, tape.gradient(loss, sources))


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.7, "epsilon": 0.1}, {"center": False}, {"scale": False}, {"center": False, "scale": False}],
    ids=["as it is", "momentum and epsilon", "no offset", "no factor", "neither"],
)
def test_a_step_of_training_gives_what_keras_own_layer_gives(options: dict[str, Any]) -> None:
    images = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    own, fused = _normalization(**options), FusedNormalization(_normalization(**options))
    for expected, seen in zip(_step(own, images), _step(fused, images), strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-4, atol=1e-5)
    for expected, seen in zip(own.variables, fused.variables, strict=True):
        np.testing.assert_allclose(np.asarray(seen), np.asarray(expected), rtol=1e-5, atol=1e-6)
    assert not np.allclose(np.asarray(fused.normalization.moving_mean), 0)


def test_outside_of_training_it_is_keras_own_layer() -> None:
    images = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    layer = _normalization()
    layer.moving_variance.assign(np.full(6, 4.0))
    np.testing.assert_array_equal(np.asarray(FusedNormalization(layer)(images)), np.asarray(layer(images)))


def test_a_layer_that_keeps_its_weights_normalises_by_its_statistics() -> None:
    images = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    layer = _normalization()
    layer.trainable = False
    np.testing.assert_array_equal(
        np.asarray(FusedNormalization(layer)(images, training=True)), np.asarray(layer(images, training=False))
    )
    np.testing.assert_array_equal(np.asarray(layer.moving_mean), 0)


def test_a_mask_leaves_values_out_as_in_keras_own_layer() -> None:
    images = np.random.default_rng(0).normal(2, 3, SHAPE).astype(np.float32)
    mask = np.random.default_rng(1).random(SHAPE[:-1]) < 0.5
    expected = np.asarray(_normalization()(images, training=True, mask=mask))
    seen = np.asarray(FusedNormalization(_normalization())(images, training=True, mask=mask))
    np.testing.assert_array_equal(seen, expected)


def test_in_bfloat16_statistics_are_of_float32() -> None:
    images = np.random.default_rng(0).normal(100, 3, SHAPE).astype(np.float32)  # in bfloat16 steps of 0.5
    own, fused = _normalization(dtype="mixed_bfloat16"), FusedNormalization(_normalization(dtype="mixed_bfloat16"))
    rounded = tf.cast(images, tf.bfloat16)
    expected, seen = own(rounded, training=True), fused(rounded, training=True)
    assert seen.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(seen, tf.float32), tf.cast(expected, tf.float32), rtol=0.02, atol=0.02)
    for theirs, ours in zip(own.non_trainable_variables, fused.non_trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-4)


@pytest.mark.parametrize(
    ("layer", "shape", "fuses"),
    [
        (L.BatchNormalization(), (None, 8, 8, 3), True),
        (L.BatchNormalization(axis=3), (None, 8, 8, 3), True),
        (L.BatchNormalization(axis=1), (None, 8, 8, 3), False),
        (L.BatchNormalization(), (None, 8), False),
        (L.BatchNormalization(synchronized=True), (None, 8, 8, 3), False),
        (L.LayerNormalization(), (None, 8, 8, 3), False),
        (type("Own", (L.BatchNormalization,), {})(), (None, 8, 8, 3), False),
    ],
    ids=["channels last", "by number", "of rows", "of a dense layer", "synchronized", "another kind", "one's own"],
)
def test_only_what_the_operator_can_do_is_fused(
    layer: keras.layers.Layer, shape: tuple[int | None, ...], fuses: bool
) -> None:
    layer.build(shape)
    assert can_fuse(layer) is fuses
