"""Classifiers with one sigmoid or one logit get two probabilities; those with several sigmoids are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgecnn import InputError, ModelFileError
from edgecnn.convert import KerasModel, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.device import Classifier, verify
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

layers = keras.layers
BYTES = Preprocessing(scale=(1 / 255,))


def network(*ending: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((12, 12, 3))
    x = layers.Conv2D(4, 3, activation="relu", name="conv")(image)
    for layer in ending:
        x = layer(x)
    return keras.Model(image, x)


def pooled(*ending: Callable[[keras.KerasTensor], keras.KerasTensor]) -> keras.Model:
    return network(layers.GlobalAveragePooling2D(name="gap"), *ending)


# Networks of one output, and whether that is a probability (or a logit).
ONE_OUTPUT: dict[str, tuple[Callable[[], keras.Model], bool]] = {
    "a dense layer with a sigmoid": (lambda: pooled(layers.Dense(1, activation="sigmoid")), True),
    "without bias": (lambda: pooled(layers.Dense(1, activation="sigmoid", use_bias=False)), True),
    "a layer of its own": (lambda: pooled(layers.Dense(1), layers.Activation("sigmoid")), True),
    "an operation": (lambda: pooled(layers.Dense(1), keras.ops.sigmoid), True),
    "a convolution": (lambda: network(layers.Conv2D(1, 10, activation="sigmoid"), layers.Flatten()), True),
    "a hard sigmoid": (lambda: pooled(layers.Dense(1, activation="hard_sigmoid")), True),
    "half precision": (lambda: pooled(layers.Dense(1, activation="sigmoid", dtype="mixed_float16")), True),
    "a logit": (lambda: pooled(layers.Dense(1)), False),
    "a logit of a pooling": (lambda: network(layers.Conv2D(1, 3), layers.GlobalMaxPooling2D()), False),
}


@pytest.mark.parametrize("case", ONE_OUTPUT)
def test_one_output_becomes_the_probabilities_of_both_classes(case: str, tmp_path: Path) -> None:
    build, is_probability = ONE_OUTPUT[case]
    model = build()
    weights = [np.random.default_rng(i).normal(0, 2, w.shape) for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)  # so that the answers are not all near one half
    model.save(tmp_path / "pets.keras")
    said: list[str] = []
    run = adopt(tmp_path / "pets.keras", ("cat", "dog"), tmp_path / "run", BYTES, progress=said.append)
    images = np.random.default_rng(5).integers(0, 256, (40, 12, 12, 3), dtype=np.uint8)
    score = np.asarray(model.predict_on_batch(images.astype(np.float32) / 255), np.float64)[:, 0]
    dog = score if is_probability else 1 / (1 + np.exp(-score))
    tolerance = 2e-3 if case == "half precision" else 1e-6  # 11 bits of mantissa, in Keras alone
    found = KerasModel(RunDirectory(run).model).predict_all(images)
    np.testing.assert_allclose(found, np.stack([1 - dog, dog], axis=1), atol=tolerance)
    assert any("probability of 'dog'" in line and "logit" in line for line in said) == (not is_probability)


def trained_on_brightness(folder: Path) -> keras.Model:
    """Answers 1 for bright pictures, 0 for dark ones; with one sigmoid."""
    model = network(layers.MaxPooling2D(), layers.Flatten(), layers.Dense(1, activation="sigmoid"))
    generator = np.random.default_rng(0)
    bright = generator.integers(0, 2, 400)
    images = np.clip(generator.normal(90 + 75 * bright[:, None, None, None], 30, (400, 12, 12, 3)), 0, 255)
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy")
    model.fit(images / 255, bright, epochs=3, verbose=0)
    model.save(folder / "light.keras")
    save_pictures(folder / "photos" / "dark", images[bright == 0][:30].astype(np.uint8))
    save_pictures(folder / "photos" / "bright", images[bright == 1][:30].astype(np.uint8))
    return model


def test_the_whole_chain_of_one_sigmoid(tmp_path: Path) -> None:
    model = trained_on_brightness(tmp_path)
    run = adopt(tmp_path / "light.keras", ("dark", "bright"), tmp_path / "run", BYTES)
    images = load_representative(tmp_path / "photos", RunDirectory(run).read_card())
    for scheme in ("int8", "float32"):
        made = convert(run, images, scheme=scheme, calibration_images=60)
        assert made.plain.parity.accuracy == 1 and made.plain.parity.agreement == 1
        assert verify(made.plain.path).passed
        classifier = Classifier(made.plain.path)
        picture = next((tmp_path / "photos" / "bright").iterdir())
        assert [one.label for one in classifier.classify(picture, top=2)] == ["bright", "dark"]
        pixels = np.asarray(images.test.images)
        score = np.asarray(model.predict_on_batch(pixels.astype(np.float32) / 255))[:, 0]
        found = classifier.predict_all(pixels)
        tolerance = 1e-4 if scheme == "float32" else 0.1  # as verify has them
        np.testing.assert_allclose(found, np.stack([1 - score, score], axis=1), atol=tolerance)
    assert parity(run, images).passed


@pytest.mark.parametrize("labels", [("a",), ("a", "b", "c")])
def test_one_output_has_two_labels(labels: tuple[str, ...], tmp_path: Path) -> None:
    pooled(layers.Dense(1, activation="sigmoid")).save(tmp_path / "pets.keras")
    with pytest.raises(InputError, match=rf"two classes apart; the labels are {len(labels)}"):
        adopt(tmp_path / "pets.keras", labels, tmp_path / "run", BYTES)


REFUSED: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "several sigmoids": (lambda: pooled(layers.Dense(3, activation="sigmoid")), "3 sigmoids.*multi-label"),
    "in a layer of their own": (lambda: pooled(layers.Dense(3), layers.Activation("sigmoid")), "3 sigmoids"),
    "in an operation": (lambda: pooled(layers.Dense(3), keras.ops.sigmoid), "3 sigmoids"),
    "flattened": (lambda: network(layers.Conv2D(3, 10, activation="sigmoid"), layers.Flatten()), "3 sigmoids"),
    "one tanh": (lambda: pooled(layers.Dense(1, activation="tanh")), "tanh, which is neither"),
    "several tanh": (lambda: compiled(3, "mse", "tanh"), "the loss mse.*not with classes"),
    "several relu": (lambda: compiled(3, "mae", "relu"), "the loss mae.*not with classes"),
    "one leaky relu, a layer": (lambda: pooled(layers.Dense(1), layers.LeakyReLU()), "leakyrelu, which is neither"),
    "several, a layer": (lambda: trained(layers.Dense(3), layers.PReLU()), "the loss mse.*not with classes"),
    "several, an operation": (lambda: trained(layers.Dense(3), keras.ops.hard_tanh), "the loss mse.*not with classes"),
    "several relu, each by itself": (lambda: compiled(3, "binary_crossentropy", "relu"), "multi-label"),
    "one softmax": (lambda: pooled(layers.Dense(1, activation="softmax")), "softmax, which is neither"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_other_outputs_are_refused_with_the_reason(case: str, tmp_path: Path) -> None:
    build, words = REFUSED[case]
    model = build()
    model.save(tmp_path / "tags.keras")
    labels = ("a", "b", "c")[: max(2, model.outputs[0].shape[1])]
    with pytest.raises(ModelFileError, match=words):
        adopt(tmp_path / "tags.keras", labels, tmp_path / "run", BYTES)
    assert not (tmp_path / "run").exists()


def trained(*end: Any) -> keras.Model:
    model = pooled(*end)
    model.compile("sgd", "mse")
    return model


def compiled(outputs: int, loss: Any, activation: str | None = None) -> keras.Model:
    model = pooled(layers.Dense(outputs, activation))
    if loss:
        model.compile("sgd", loss)
    return model


# Outputs without an activation: what the loss of their training says of them. None: nothing that hinders.
LOSSES: dict[str, tuple[int, Any, str | None]] = {
    "multi-label": (3, keras.losses.BinaryCrossentropy(from_logits=True), "binary_crossentropy.*multi-label"),
    "by name": (3, ["binary_crossentropy"], "multi-label"),
    "a number": (1, "mse", "the loss mse.*not with classes"),
    "numbers, by a function": (3, keras.losses.mean_squared_error, "the loss mean_squared_error"),
    "some numbers": (4, keras.losses.MeanAbsoluteError(), "the loss mean_absolute_error"),
    "never compiled": (3, None, None),
    "two classes": (1, keras.losses.BinaryCrossentropy(from_logits=True), None),
    "several classes": (3, keras.losses.SparseCategoricalCrossentropy(from_logits=True), None),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("case", LOSSES)
@pytest.mark.filterwarnings("ignore")  # of the old format
def test_the_loss_tells_what_logits_mean(case: str, suffix: str, tmp_path: Path) -> None:
    outputs, loss, words = LOSSES[case]
    file = tmp_path / f"theirs.{suffix}"
    compiled(outputs, loss).save(file)
    labels = ("a", "b", "c", "d")[: max(2, outputs)]
    if words is None:
        assert adopt(file, labels, tmp_path / "run", BYTES)
    else:
        with pytest.raises(ModelFileError, match=words):
            adopt(file, labels, tmp_path / "run", BYTES)
