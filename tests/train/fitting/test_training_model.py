"""The network that is trained computes what the bare one does, and shares its weights."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from edgecnn.pixels.dataset import Dataset
from edgecnn.train import RECIPES, Epoch, train
from edgecnn.train.architectures import build_network, reference
from edgecnn.train.fitting.training_model import PooledFirst, build_training_model, freeze_first_layer
from edgecnn.train.recipes import AUGMENTATIONS, Augmentation
from tests.support.trainings import Listening


@pytest.mark.parametrize("architecture", ["reference", "compact", "residual"])
def test_regularisation_shares_the_weights_and_does_nothing_at_inference(architecture: str) -> None:
    model = build_network(architecture, (28, 28, 1), 10)
    recipe = dataclasses.replace(RECIPES["best"], augment=AUGMENTATIONS, dropout=0.5)
    trained = build_training_model(model, recipe, background=(0.0,))
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    assert trained.count_params() == model.count_params()
    # Pooled before its activation, a sum may be made in another order.
    expected = np.asarray(model(images, training=False))
    np.testing.assert_allclose(np.asarray(trained(images, training=False)), expected, rtol=1e-6)
    assert not np.allclose(np.asarray(trained(images, training=True)), np.asarray(model(images)))


def test_l2_adds_the_squared_kernels_to_the_loss() -> None:
    model = reference((28, 28, 1), 10)
    trained = build_training_model(model, dataclasses.replace(RECIPES["fast"], l2=0.01), background=(0.0,))
    kernels = [np.asarray(variable) for variable in model.trainable_variables if len(variable.shape) > 1]
    expected = 0.01 * sum(float(np.square(kernel).sum()) for kernel in kernels)
    assert sum(float(loss) for loss in trained.losses) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_changes_images_and_keeps_their_range(name: Augmentation) -> None:
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Identity()])
    trained = build_training_model(model, dataclasses.replace(RECIPES["fast"], augment=(name,)), background=(0.0,))
    images = np.random.default_rng(0).random((64, 28, 28, 1), dtype=np.float32)
    changed = np.asarray(trained(images, training=True))
    assert (changed != images).any() and changed.min() >= 0 and changed.max() <= 1


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_what_is_moved_in_has_the_black_of_each_channel(name: Augmentation) -> None:
    black = (-2.0, -1.5, -1.0)
    model = keras.Sequential([keras.Input((28, 28, 3)), keras.layers.Identity()])
    trained = build_training_model(model, dataclasses.replace(RECIPES["fast"], augment=(name,)), background=black)
    images = np.full((64, 28, 28, 3), np.array(black, np.float32)) + np.float32(1)
    shown = np.asarray(trained(images, training=True)) - np.array(black, np.float32)
    assert np.ptp(shown, axis=-1).max() < 1e-5  # what is gray stays so
    assert name == "flip" or shown.min() == pytest.approx(0, abs=1e-5)


L = keras.layers
CHAINS = {  # layers behind an input of 29 x 23 x 3: which are pooled first, and how much of the image counts
    "the last rows and columns are in no window": ([L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D()], 1, (28, 22)),
    "overlapping windows": ([L.Conv2D(4, 5, activation="tanh"), L.MaxPooling2D(3, 2)], 1, (29, 23)),
    "dilated and strided": ([L.Conv2D(4, 3, 2, dilation_rate=1), L.Conv2D(4, 3, dilation_rate=2), L.MaxPooling2D(4)],
                            1, (25, 17)),
    "same padding": ([L.Conv2D(4, 3, padding="same", activation="relu"), L.MaxPooling2D()], 1, (29, 23)),
    "no bias": ([L.Conv2D(4, 3, activation="sigmoid", use_bias=False), L.MaxPooling2D()], 1, (28, 22)),
    "an activation that falls": ([L.Conv2D(4, 3, activation="gelu"), L.MaxPooling2D()], 0, (28, 22)),
    "a function of one's own": ([L.Conv2D(4, 3, activation=lambda x: -x), L.MaxPooling2D()], 0, (28, 22)),
    "a penalty on outputs": ([L.Conv2D(4, 3, activity_regularizer="l2"), L.MaxPooling2D()], 0, (29, 23)),
    "average pooling": ([L.Conv2D(4, 3, activation="relu"), L.AveragePooling2D(2)], 0, (29, 23)),
    "statistics of every row": ([L.Conv2D(4, 3), L.BatchNormalization(), L.ReLU(), L.MaxPooling2D()], 0, (29, 23)),
    "pooling alone": ([L.MaxPooling2D(), L.MaxPooling2D()], 0, (28, 20)),
}  # fmt: skip


@pytest.mark.parametrize(("layers", "pooled", "seen"), CHAINS.values(), ids=CHAINS)
def test_a_chain_in_less_computing_has_the_same_outputs_and_gradients(
    layers: list[keras.layers.Layer], pooled: int, seen: tuple[int, int]
) -> None:
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((29, 23, 3)), *layers, L.Flatten(), L.Dense(2)])
    trained = build_training_model(model, RECIPES["fast"], background=(0.0,))
    assert sum(isinstance(layer, PooledFirst) for layer in trained.layers) == pooled
    images = tf.constant(np.random.default_rng(0).normal(size=(2, 29, 23, 3)).astype(np.float32))
    found, expected = (_outputs_and_gradients(each, images) for each in (trained, model))
    # Some gradients are 0 but for rounding (a bias before normalisation), so the largest says what rounding may be.
    rounding = 1e-5 * max(float(np.abs(values).max()) for values in expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=rounding)
    cropped = [layer for layer in trained.layers if isinstance(layer, L.Cropping2D)]
    assert (tuple(cropped[0].output.shape[1:3]) if cropped else (29, 23)) == seen
    # What the bare model says of the image's end: it changes nothing if and only if nothing looks at it.
    blank = images.numpy()
    blank[:, seen[0] :], blank[:, :, seen[1] :] = 9, 9
    np.testing.assert_allclose(
        np.asarray(model(blank, training=True)), expected[0], atol=1e-5 * np.abs(expected[0]).max()
    )


def _outputs_and_gradients(model: keras.Model, images: tf.Tensor) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        tape.watch(images)
        outputs = model(images, training=True)
        loss = tf.reduce_sum(tf.square(outputs)) + sum(model.losses)
    variables = sorted(model.trainable_variables, key=lambda variable: variable.path)
    gradients = tape.gradient(loss, [images, *(variable.value for variable in variables)])
    return [np.asarray(outputs), *map(np.asarray, gradients)]


def test_in_float32_the_layers_are_called_as_they_are() -> None:
    trained = build_training_model(reference((28, 28, 1), 10), RECIPES["notebook"], background=(0.0,))
    assert not [layer for layer in trained.layers if isinstance(layer, PooledFirst | L.Cropping2D)]


def test_bfloat16_rounds_pooled_values_as_the_bare_network_does() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = reference((28, 28, 1), 10)
    finally:
        keras.config.set_dtype_policy("float32")
    trained = build_training_model(model, RECIPES["fast"], background=(0.0,))
    images = np.random.default_rng(0).random((8, 28, 28, 1), dtype=np.float32)
    pooled = keras.Model(trained.inputs[0], trained.get_layer("conv2d_1_max_pooling2d_1").output)
    bare = keras.Model(model.inputs[0], model.get_layer("max_pooling2d_1").output)
    assert keras.backend.standardize_dtype(pooled.output.dtype) == "bfloat16"
    found, expected = (np.asarray(each(images), np.float32) for each in (pooled, bare))
    np.testing.assert_allclose(found, expected, rtol=0.02, atol=0.02)


class Copying(Listening):
    """Remembers the network as it was after each epoch."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.models: list[keras.Model] = []

    def finish_epoch(self, epoch: Epoch) -> None:
        if (self.path / "model.keras").exists():
            self.models.append(keras.models.load_model(self.path / "model.keras", compile=False))


def test_a_first_layer_that_has_learnt_for_its_share_keeps_its_weights(tiny: Dataset, tmp_path: Path) -> None:
    listener = Copying(tmp_path / "run")
    recipe = dataclasses.replace(RECIPES["fast"], epochs=3, batch_size=100, first_layer=1 / 3, peak_learning_rate=1e-3)
    train(tmp_path / "run", tiny, recipe=recipe, progress=listener)
    first, *_, last = listener.models
    changed = [not np.array_equal(*pair) for pair in zip(first.get_weights(), last.get_weights(), strict=True)]
    assert changed == [False, False, True, True, True, True, True, True]


@pytest.mark.parametrize(
    ("layers", "frozen"),
    [
        ([L.Conv2D(4, 3), L.Conv2D(4, 3), L.Flatten()], "Conv2D"),
        ([L.Rescaling(2.0), L.Conv2D(4, 3), L.BatchNormalization(), L.Conv2D(4, 3), L.Flatten()], "Conv2D"),
        ([L.Conv2D(4, 3), L.Flatten(), L.Dense(5)], None),  # the only one makes all features
        ([L.DepthwiseConv2D(3), L.Conv2D(4, 3), L.Flatten()], None),
        ([L.Flatten(), L.Dense(5)], None),
    ],
)
def test_only_the_first_of_several_convolutions_stops_learning(
    layers: list[keras.layers.Layer], frozen: str | None
) -> None:
    model = keras.Sequential([keras.Input((9, 9, 1)), *layers, L.Dense(2)])
    training_model = build_training_model(model, RECIPES["fast"], background=(0.0,))
    training_model.compile("sgd", "mse", jit_compile=False)
    freeze_first_layer(training_model, model)
    names = [type(layer).__name__ for layer in model.layers if not layer.trainable]
    assert names == ([frozen] if frozen else [])
