"""What a network was asked, and what it answered, is known."""

import keras
import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.convert.network.answer_cache import Seen, key_of
from edgecnn.convert.network.feature_maps import feature_maps
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.model_file.card import Provenance, Quantization
from edgecnn.pixels.input_spec import InputSpec

IMAGES = np.random.default_rng(7).integers(0, 256, (11, 6, 5, 1), np.uint8)
SPEC = InputSpec(6, 5, 1, "grayscale", "pad", "bilinear", (1 / 255,), (0.0,), "dark")
SOME = IMAGES[[9, 2, 2, 7]]  # one of them twice


@pytest.fixture(scope="module")
def network() -> KerasNetwork:
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 5, 1))
    pooled = keras.layers.MaxPooling2D(name="pool")(keras.layers.Conv2D(3, 3, name="first")(image))
    model = keras.Model(image, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(pooled)))
    card = ModelCard("net", ("a", "b"), SPEC, Quantization("float32"), Provenance("0", "0", "0", "now"))
    return KerasNetwork(model, card, feature_maps(model))


def test_answers_are_those_of_every_image_that_was_run(network: KerasNetwork) -> None:
    seen = Seen(network)
    assert seen.ranges(IMAGES[:5]) == network.ranges(IMAGES[:5])
    for (part, values), (same, expected) in zip(seen.maps_of(SOME), network.maps_of(SOME), strict=True):
        np.testing.assert_array_equal(part, same)
        np.testing.assert_array_equal(values["first"], expected["first"])
    assert set(seen.answers) == {key_of(IMAGES[row]) for row in (0, 1, 2, 3, 4, 7, 9)}
    for row in (0, 9):
        np.testing.assert_allclose(seen.answers[key_of(IMAGES[row])], network.predict(IMAGES[[row]])[0], atol=1e-6)


def test_images_are_known_by_all_of_their_pixels() -> None:
    other = IMAGES[0].copy()
    other[5, 4] ^= 1
    assert key_of(other) != key_of(IMAGES[0]) == key_of(np.asfortranarray(IMAGES[0]))
