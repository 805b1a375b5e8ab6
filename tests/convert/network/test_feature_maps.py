"""A layer that is used several times has a feature map of each use, from Keras to the device."""

from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn.convert import Preprocessing, adopt, convert, load_representative, parity
from edgecnn.convert.network.feature_maps import feature_maps
from edgecnn.device import FeatureExtractor
from edgecnn.errors import InputError
from edgecnn.model_file.container import read_model
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

layers = keras.layers
PICTURES = np.random.default_rng(0).integers(0, 256, (24, 12, 12, 3), np.uint8)


def twice() -> keras.Model:
    """A convolution called on its own output, and a model called on its input and on what is left of white."""
    keras.utils.set_random_seed(0)
    image = keras.Input((12, 12, 3))
    again = layers.Conv2D(4, 1, name="again")
    x = again(again(layers.Conv2D(4, 1, name="stem")(image)))
    tower = keras.Sequential([keras.Input((12, 12, 4)), layers.Conv2D(4, 3, name="tower"), layers.ReLU()], name="base")
    pool = layers.GlobalAveragePooling2D(name="pool")
    both = layers.Concatenate()([pool(tower(x)), pool(tower(1 - x))])
    return keras.Model(image, layers.Dense(3, activation="softmax", name="logits")(both))


def test_each_use_is_named_and_computed_in_order(tmp_path: Path) -> None:
    twice().save(tmp_path / "twice.keras")
    save_pictures(tmp_path / "photos", PICTURES)
    run = RunDirectory(adopt(tmp_path / "twice.keras", ("a", "b", "c"), tmp_path / "run", Preprocessing((1 / 255,))))
    images = load_representative(tmp_path / "photos", run.read_card())
    made = convert(run.path, images, scheme="float32", calibration_images=8)
    names = ["stem", "again#1", "again#2", "tower#1", "tower#2", "pool#1", "pool#2"]
    assert [layer.name for layer in made.layers] == [*names, "probabilities"]
    assert made.activations and made.bit_equal
    card = read_model(made.activations.path).card
    assert card and sorted(layer.name for layer in card.feature_maps) == sorted(names)
    maps = FeatureExtractor(made.activations.path).extract(PICTURES[0]).maps
    kernel, bias = keras.models.load_model(run.model).get_layer("again").get_weights()
    np.testing.assert_allclose(maps["again#1"], maps["stem"] @ kernel[0, 0] + bias, atol=1e-5)
    np.testing.assert_allclose(maps["again#2"], maps["again#1"] @ kernel[0, 0] + bias, atol=1e-5)
    np.testing.assert_allclose(maps["pool#2"][0, 0], maps["tower#2"].mean(axis=(0, 1)), atol=1e-5)
    report = parity(run.path, images, scheme="float32")
    assert not [finding for finding in report.findings if finding.broken]
    assert {layer.name for layer in report.ladder.rungs[-1].layers} == {*names, "probabilities"}


def test_a_pattern_names_all_uses_or_one() -> None:
    image = keras.Input((12, 12, 4))
    conv = layers.Conv2D(4, 1, name="conv")
    model = keras.Model(image, layers.Flatten()(conv(conv(image))))
    assert [wanted.name for wanted in feature_maps(model, ("conv",))] == ["conv#1", "conv#2"]
    assert [wanted.name for wanted in feature_maps(model, ("*#2",))] == ["conv#2"]
    with pytest.raises(InputError, match=r"called conv#3; there are: conv#1, conv#2"):
        feature_maps(model, ("conv#3",))


def test_a_layer_that_has_such_a_name_already_keeps_it() -> None:
    image = keras.Input((12, 12, 4))
    conv, other = layers.Conv2D(4, 1, name="conv"), layers.Conv2D(4, 1, name="conv#1")
    model = keras.Model(image, layers.Flatten()(other(conv(conv(image)))))
    assert [wanted.name for wanted in feature_maps(model)] == ["conv#2", "conv#3", "conv#1"]
