"""One flat graph in float32 gives what the network gives, without what only training needs."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from edgecnn.convert import KerasModel, Preprocessing, adopt
from edgecnn.convert.network.flattening import flatten, is_augmentation
from edgecnn.convert.network.keras2_rebuilding import is_augmentation_name
from edgecnn.run_directory import RunDirectory

layers = keras.layers
IMAGES = np.random.default_rng(0).uniform(0, 1, (4, 8, 8, 3)).astype(np.float32)


def names(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if not isinstance(layer, layers.InputLayer)]


def test_a_flat_network_in_float32_is_returned_as_it_is() -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Dense(2)(layers.Flatten()(layers.Conv2D(2, 3)(image))))
    assert flatten(model) is model


def test_augmentation_goes_wherever_it_stands_and_the_answers_stay() -> None:
    keras.utils.set_random_seed(1)
    base = keras.Sequential(
        [keras.Input((8, 8, 3)), layers.RandomRotation(0.2), layers.Conv2D(4, 3, name="inner")], name="base"
    )
    image = keras.Input((8, 8, 3))
    x = base(layers.RandomFlip("horizontal", name="mirror")(image))
    model = keras.Model(image, layers.Dense(3, activation="softmax", name="scores")(layers.Flatten(name="flat")(x)))
    flat = flatten(model)
    assert names(flat) == ["inner", "flat", "scores"]
    np.testing.assert_allclose(flat.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES), atol=1e-6)


def test_a_random_crop_gives_another_size_and_stays() -> None:
    assert not is_augmentation(layers.RandomCrop(4, 4))
    assert all(map(is_augmentation, (layers.RandomZoom(0.1), layers.RandAugment(), layers.MixUp(), layers.CutMix())))
    assert not is_augmentation(layers.Resizing(4, 4))
    # Of Keras 2 there are names alone.
    names_of_classes = ("RandomFlip", "RandomZoom", "RandomCrop", "Conv2D")
    assert [is_augmentation_name(name) for name in names_of_classes] == [True, True, False, False]


def test_two_layers_of_one_name_are_told_apart_and_half_precision_is_gone() -> None:
    keras.utils.set_random_seed(2)
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="conv")], name="base")
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(3, 3, name="conv", dtype="mixed_bfloat16")(inner(image))
    model = keras.Model(image, layers.Dense(2, name="scores")(layers.Flatten(name="flat")(x)))
    flat = flatten(model)
    assert names(flat) == ["base_conv", "conv", "flat", "scores"]
    assert {layer.compute_dtype for layer in flat.layers} == {"float32"}
    for ours, theirs in (("base_conv", inner.get_layer("conv")), ("conv", model.get_layer("conv"))):
        for found, expected in zip(flat.get_layer(ours).get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(flat.predict_on_batch(IMAGES), model.predict_on_batch(IMAGES), atol=0.05)


def member(number: int) -> keras.Model:
    """One of an ensemble: its layers and operations are called as those of the others."""
    image = keras.Input((8, 8, 3))
    block = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same", name="conv")], name="block")
    x = block(image)[..., ::-1] + image
    scores = layers.Dense(3, activation="softmax", name="scores")(layers.Flatten(name="flatten")(x))
    model = keras.Model(image, scores, name=f"member_{number}")
    for operation in model.operations:
        operation.name = operation.name.rstrip("_0123456789")  # as where each was built by a process of its own
    return model


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_members_of_an_ensemble_have_equal_names(order: Literal["rgb", "bgr"], tmp_path: Path) -> None:
    keras.utils.set_random_seed(3)
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Average(name="mean")([member(number)(image) for number in range(3)]))
    model.save(tmp_path / "theirs.keras")
    chosen = Preprocessing(scale=(1.0,), channel_order=order)
    run = RunDirectory(adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "run", chosen))
    pixels = (IMAGES * 255).astype(np.uint8)
    ours, fed = KerasModel(run.model), pixels if order == "rgb" else pixels[..., ::-1]
    np.testing.assert_allclose(ours.predict_all(pixels), model.predict_on_batch(fed.astype(np.float32)), atol=1e-5)
    assert [layer.name for layer in ours.layers] == ["conv", "block_conv", "block_conv_1"]
