"""A Keras network answers as the model itself does, batch by batch, and says which values occur in it."""

from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import InputError, ModelCard, ModelFileError
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.model_file.card import Provenance, Quantization
from edgecnn.pixels.input_spec import InputSpec

# 11 images: neither batch size divides them.
IMAGES = np.random.default_rng(0).integers(0, 256, (11, 6, 6, 1), np.uint8)
SPEC = InputSpec(6, 6, 1, "grayscale", "pad", "bilinear", (2 / 255,), (-1.0,), "dark")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Conv2D(3, 3, name="first"), layers.MaxPooling2D(name="pool"), layers.Flatten(),
         layers.Dense(2, activation="softmax")]
    )  # fmt: skip
    file: Path = tmp_path_factory.mktemp("network") / "model.keras"
    model.save(file)
    return file


def card(*labels: str) -> ModelCard:
    return ModelCard("net", labels, SPEC, Quantization("float32"), Provenance("0", "0", "0", "now"))


@pytest.fixture(scope="module")
def network(path: Path) -> KerasNetwork:
    return KerasNetwork.load(path, card("a", "b"))


def test_probabilities_are_the_models_own(network: KerasNetwork, path: Path) -> None:
    inputs = IMAGES.astype(np.float32) * np.float32(2 / 255) - 1
    expected = np.asarray(keras.models.load_model(path).predict_on_batch(inputs))
    np.testing.assert_allclose(network.fed(IMAGES), inputs, atol=1e-6)
    np.testing.assert_allclose(network.predict(IMAGES), expected, atol=1e-6)


def test_maps_come_in_batches_in_the_order_of_the_network(network: KerasNetwork) -> None:
    batches = list(network.maps_of(IMAGES))
    np.testing.assert_array_equal(np.concatenate([pixels for pixels, _ in batches]), IMAGES)
    assert [list(values) for _, values in batches] == [["first", "pool", "probabilities"]] * 2
    kernel, bias = network.model.get_layer("first").get_weights()
    inputs = network.fed(IMAGES)
    # A convolution, spelt out, at the first position of every image.
    corner = np.einsum("nhwc,hwcf->nf", inputs[:, :3, :3], kernel) + bias
    first = np.concatenate([values["first"] for _, values in batches])
    np.testing.assert_allclose(first[:, 0, 0], corner, atol=1e-5)
    pooled = np.concatenate([values["pool"] for _, values in batches])
    np.testing.assert_allclose(pooled[:, 0, 0], first[:, :2, :2].max(axis=(1, 2)), atol=1e-6)


def test_ranges_are_the_extremes_of_input_and_maps(network: KerasNetwork) -> None:
    ranges = {entry.name: entry for entry in network.ranges(IMAGES)}
    first = np.concatenate([values["first"] for _, values in network.maps_of(IMAGES)])
    assert list(ranges) == ["image", "first", "pool"]
    assert ranges["image"].low == pytest.approx(IMAGES.min() * 2 / 255 - 1, abs=1e-6)
    assert ranges["first"].high == pytest.approx(float(first.max())) and not ranges["first"].constant_channels
    means = first.mean(axis=(1, 2, 3))
    assert ranges["first"].mean_low == pytest.approx(float(means.min()), abs=1e-6)
    assert ranges["first"].mean_high == pytest.approx(float(means.max()), abs=1e-6)


def test_maps_are_those_of_the_layers_that_are_named(path: Path) -> None:
    assert [wanted.name for wanted in KerasNetwork.load(path, card("a", "b"), ("po*",)).maps] == ["pool"]
    with pytest.raises(InputError, match="no convolution or pooling layer is called dense"):
        KerasNetwork.load(path, card("a", "b"), ("dense",))


def test_the_card_of_another_network_is_refused(path: Path) -> None:
    with pytest.raises(ModelFileError, match="to 3 classes, the model takes"):
        KerasNetwork.load(path, card("a", "b", "c"))
