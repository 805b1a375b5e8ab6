"""Networks without channels, of any size, of vectors and with channels first become networks of one kind of image."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import InputError, ModelCard, ModelFileError
from edgecnn.convert import KerasModel, Preprocessing, adopt, convert, load_representative
from edgecnn.device import FeatureExtractor
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

layers = keras.layers
BYTES = Preprocessing(scale=(1 / 255,))
Turn = Callable[[np.ndarray], np.ndarray]


def random_weights(model: keras.Model) -> keras.Model:
    generator = np.random.default_rng(3)
    model.set_weights([generator.normal(0.2, 0.3, weight.shape) ** 2 for weight in model.get_weights()])
    return model


def tutorial() -> keras.Model:
    """The network of TensorFlow's tutorial on quantization."""
    return keras.Sequential(
        [keras.Input((28, 28)), layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, activation="relu", name="conv"),
         layers.MaxPooling2D(name="pool"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )  # fmt: skip


def without_channels(height: int | None, width: int | None) -> keras.Model:
    image = keras.Input((height, width))
    x = layers.Conv2D(4, 3, name="conv")(keras.ops.expand_dims(image, -1))
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D(name="pool")(x)))


def of_vectors() -> keras.Model:
    return keras.Sequential(
        [keras.Input((784,)), layers.Reshape((28, 28)), layers.Reshape((28, 28, 1)), layers.Conv2D(4, 3, name="conv"),
         layers.MaxPooling2D(name="pool"), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )  # fmt: skip


def any_size(*first: keras.layers.Layer) -> keras.Model:
    image = keras.Input((None, None, 3))
    x = image
    for layer in first:
        x = layer(x)
    x = layers.Conv2D(4, 3, name="conv")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D(name="pool")(x)))


def channels_first() -> keras.Model:
    """Convolutions of all kinds, batch normalisation, a branch, a merge, and Flatten in the order of channels first."""
    first = {"data_format": "channels_first"}
    image = keras.Input((3, 20, 24))
    x = layers.Rescaling(2.0)(image)
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="conv", **first)(x)
    x = layers.ReLU()(layers.BatchNormalization(axis=1)(x))
    y = layers.DepthwiseConv2D(3, padding="same", **first)(x)
    y = layers.Concatenate(axis=1)([layers.Add()([x, y]), x])
    scale = layers.Conv2D(16, 1, activation="sigmoid", **first)(
        layers.GlobalAveragePooling2D(keepdims=True, name="squeeze", **first)(y)
    )
    y = layers.MaxPooling2D(name="pool", **first)(layers.Multiply()([y, scale]))
    y = layers.PReLU()(y)  # has a weight for every position, in the order of the network
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(y)))


def with_both_orders() -> keras.Model:
    """Channels first, but for what a Permute goes before: called as those that are made."""
    image = keras.Input((3, 20, 24))
    x = layers.Conv2D(4, 3, name="conv", data_format="channels_first")(image)
    x = layers.Conv2D(6, 3)(layers.Permute((2, 1, 3), name="permute_1")(x))
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))


def with_a_permute() -> keras.Model:
    image = keras.Input((20, 24, 3))
    x = layers.Permute((3, 1, 2))(image)
    x = layers.Conv2D(4, 3, activation="relu", data_format="channels_first", name="conv")(x)
    x = layers.MaxPooling2D(data_format="channels_first", name="pool")(x)
    x = layers.Flatten(data_format="channels_first")(x)
    return keras.Model(image, layers.Dense(3, activation="softmax")(x))


def ending_in_a_map() -> keras.Model:
    """Scores of one position, (batch, 1, 1, classes), behind a layer called as what makes vectors of them."""
    image = keras.Input((20, 24, 3))
    x = layers.Conv2D(4, 3, name="conv")(image)
    x = layers.Reshape((1, 1, -1), name="scores")(layers.Flatten(name="flatten")(x))
    return keras.Model(image, layers.Conv2D(3, 1, activation="softmax", name="last")(x))


SQUARE = Preprocessing(scale=(1 / 255,), image_size=(20, 24))
# How to build it, what is said of it, the shape of its images, how the network itself takes them, and part of a note.
CASES: dict[str, tuple[Callable[[], keras.Model], Preprocessing, tuple[int, int, int], Turn, str]] = {
    "the tutorial's": (tutorial, BYTES, (28, 28, 1), lambda x: x[..., 0], "without a channel dimension"),
    "no channels": (lambda: without_channels(20, 24), BYTES, (20, 24, 1), lambda x: x[..., 0], "grayscale"),
    "no channels, any size": (lambda: without_channels(None, None), SQUARE, (20, 24, 1), lambda x: x[..., 0], "gray"),
    "vectors": (of_vectors, BYTES, (28, 28, 1), lambda x: x.reshape(len(x), 784), "vectors of 784"),
    "any size": (any_size, SQUARE, (20, 24, 3), lambda x: x, ""),
    "any height": (lambda: keras.Sequential([keras.Input((None, 24, 3)), *any_size().layers[1:]]), SQUARE, (20, 24, 3),
                   lambda x: x, ""),
    "a Resizing layer": (lambda: any_size(layers.Resizing(20, 24)), BYTES, (20, 24, 3), lambda x: x, "20x24 pixels"),
    "channels first": (channels_first, BYTES, (20, 24, 3), lambda x: x.transpose(0, 3, 1, 2), "channels first"),
    "a flat map": (ending_in_a_map, BYTES, (20, 24, 3), lambda x: x, ""),
    "both orders": (with_both_orders, BYTES, (20, 24, 3), lambda x: x.transpose(0, 3, 1, 2), ""),
    "a permute": (with_a_permute, BYTES, (20, 24, 3), lambda x: x, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_answers_are_those_of_the_network_itself(case: str, tmp_path: Path) -> None:
    build, chosen, shape, turn, words = CASES[case]
    model = random_weights(build())
    model.save(tmp_path / "theirs.keras")
    keras.utils.clear_session()  # as in another process: the names that Keras gives begin anew
    said: list[str] = []
    run = adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "run", chosen, progress=said.append)
    ours = KerasModel(RunDirectory(run).model)
    assert ours.input.shape == shape and words in " ".join(said)
    images = np.random.default_rng(0).integers(0, 256, (5, *shape), dtype=np.uint8)
    expected = np.asarray(model.predict_on_batch(turn(images.astype(np.float32) / 255))).reshape(5, 3)
    np.testing.assert_allclose(ours.predict_all(images), expected, atol=1e-5)
    conv = next(layer for layer in ours.layers if layer.name == "conv")
    assert conv.shape[2] == model.get_layer("conv").filters


@pytest.mark.parametrize("case", ["the tutorial's", "a Resizing layer", "channels first"])
def test_they_convert_and_return_maps_with_channels_last(case: str, tmp_path: Path) -> None:
    build, chosen, shape, turn, _ = CASES[case]
    model = random_weights(build())
    model.save(tmp_path / "theirs.keras")
    run = adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "run", chosen)
    noise = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    save_pictures(tmp_path / "photos", noise)
    images = load_representative(tmp_path / "photos", RunDirectory(run).read_card())
    made = convert(run, images, scheme="float32", calibration_images=6)
    assert made.plain.parity.agreement == 1 and made.activations
    found = FeatureExtractor(made.activations.path).extract(noise[0]).maps["conv"]
    theirs = keras.Model(model.inputs, model.get_layer("conv").output)
    expected = np.asarray(theirs.predict_on_batch(turn(noise[:1].astype(np.float32) / 255)))[0]
    if case == "channels first":
        expected = expected.transpose(1, 2, 0)
        # Keras' map is that before the batch normalisation and the ReLU, which a converter folds into it.
        norm = next(layer for layer in model.layers if isinstance(layer, layers.BatchNormalization))
        gamma, beta, mean, variance = (np.asarray(weight) for weight in norm.get_weights())
        expected = np.maximum((expected - mean) / np.sqrt(variance + norm.epsilon) * gamma + beta, 0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "fit"),
    [({}, "stretch"), ({"crop_to_aspect_ratio": True}, "crop"), ({"pad_to_aspect_ratio": True}, "pad")],
)
def test_a_resizing_layer_says_how_images_are_made_to_fit(options: dict[str, bool], fit: str, tmp_path: Path) -> None:
    any_size(layers.Resizing(16, 16, interpolation="nearest", **options)).save(tmp_path / "theirs.keras")
    run = adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "run", BYTES)
    spec = ModelCard.load(run / "card.json").input
    assert (spec.height, spec.width, spec.fit, spec.resize_filter) == (16, 16, fit, "nearest")
    chosen = Preprocessing(scale=(1 / 255,), fit="stretch", resize_filter="box")
    spec = ModelCard.load(
        adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "other", chosen) / "card.json"
    ).input
    assert (spec.fit, spec.resize_filter) == ("stretch", "box")


REFUSED: dict[str, tuple[Callable[[], keras.Model], Preprocessing, str]] = {
    "a size is asked for": (any_size, BYTES, "nothing in it says.*--image-size 224"),
    "a size that is fixed": (tutorial, SQUARE, "28x28 pixels; leave --image-size out"),
    "another height": (
        lambda: keras.Sequential([keras.Input((None, 30, 3)), *any_size().layers[1:]]), SQUARE, "must agree with that"),
    "too few pixels": (
        any_size, Preprocessing(image_size=(2, 4)), "--image-size 2x4 does not go with .*theirs.keras: .*output size"),
    "a file of too many pixels": (
        lambda: keras.Sequential([keras.Input((10**10, 10**10, 3)), layers.GlobalAveragePooling2D()]), BYTES,
        "cannot be run by TensorFlow: array is too big"),
    "too many pixels": (
        any_size, Preprocessing(image_size=(10**20, 10**20)), "--image-size must be 134,217,728 pixels at most"),
    "a layer called as the input": (
        lambda: any_size(layers.Conv2D(3, 3, name="image")), SQUARE, "a layer called 'image', the name of .* input"),
    "a layer called as the output": (
        lambda: any_size(layers.Conv2D(3, 3, name="probabilities")), SQUARE, "'probabilities', the name of .* output"),
    "vectors": (lambda: keras.Sequential([keras.Input((64,)), layers.Dense(3)]), BYTES, "must take images"),
    "volumes": (
        lambda: keras.Sequential([keras.Input((4, 8, 8, 3)), layers.Flatten(), layers.Dense(3)]), BYTES, "must take"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_is_asked_for(case: str, tmp_path: Path) -> None:
    build, chosen, words = REFUSED[case]
    build().save(tmp_path / "theirs.keras")
    with pytest.raises((InputError, ModelFileError), match=words):
        adopt(tmp_path / "theirs.keras", ("a", "b", "c"), tmp_path / "run", chosen)
