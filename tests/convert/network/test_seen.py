"""What a network was seen to make of images is what it makes of them, however few times it ran."""

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from edgecnn import ModelCard
from edgecnn.convert.network.feature_maps import feature_maps
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.convert.network.seen import Seen, key_of
from edgecnn.model_file.card import PROBABILITIES, Provenance, Quantization
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

Values = dict[str, np.ndarray]

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


@pytest.fixture
def counted(network: KerasNetwork, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images each run had."""
    counts: list[int] = []
    run = KerasNetwork.maps_of

    def maps_of(self: KerasNetwork, images: Images) -> Iterator[tuple[np.ndarray, Values]]:
        counts.append(len(images))
        return run(self, images)

    monkeypatch.setattr(KerasNetwork, "maps_of", maps_of)
    return counts


def own_maps(network: KerasNetwork, images: np.ndarray) -> Values:
    batches = [values for _, values in network.maps_of(images)]
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


@pytest.mark.parametrize("calibrated", [0, 3, 8, 11], ids=lambda count: f"{count} images for ranges")
def test_maps_are_those_of_the_images_whichever_were_run_before(
    network: KerasNetwork, counted: list[int], calibrated: int
) -> None:
    expected, seen = own_maps(network, SOME), Seen(network, SOME)
    counted.clear()
    if calibrated:
        assert seen.ranges(IMAGES[:calibrated]) == network.ranges(IMAGES[:calibrated])
    maps = seen.maps()
    assert list(maps) == ["first", "pool", PROBABILITIES]
    for name, values in maps.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6, err_msg=name)
    left = {0: 3, 3: 2, 8: 1, 11: 0}[calibrated]  # of the images 2, 7 and 9
    assert counted[-1] == left and seen.maps() is maps


def test_answers_are_those_of_every_image_that_was_run(network: KerasNetwork) -> None:
    seen = Seen(network, SOME)
    seen.ranges(IMAGES[:5])
    seen.maps()
    assert set(seen.answers) == {key_of(IMAGES[row]) for row in (0, 1, 2, 3, 4, 7, 9)}
    for row in (0, 9):
        np.testing.assert_allclose(seen.answers[key_of(IMAGES[row])], network.predict(IMAGES[[row]])[0], atol=1e-6)


def test_images_are_known_by_all_of_their_pixels() -> None:
    other = IMAGES[0].copy()
    other[5, 4] ^= 1
    assert key_of(other) != key_of(IMAGES[0]) == key_of(np.asfortranarray(IMAGES[0]))
