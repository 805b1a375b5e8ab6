"""What a network does to its pixels is read from its layers, and said; where that is not clear, it is asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgecnn import InputError, ModelCard
from edgecnn.convert import Preprocessing, adopt

layers = keras.layers
Step = Callable[[Any], Any]
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's


def network(*steps: Step) -> keras.Model:
    image = keras.Input((8, 8, 3))
    x = image
    for step in steps:
        x = step(x)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(x))
    return keras.Model(image, layers.Dense(2, activation="softmax")(x))


def normalised(mean: np.ndarray, deviation: np.ndarray) -> Step:
    normal: Step = layers.Normalization(mean=mean, variance=deviation**2, name="normal")
    return normal


def batch_normalised(mean: np.ndarray, deviation: np.ndarray, *before: Step) -> keras.Model:
    """As if it had been trained on pixels like that, with scale and centre of its own."""
    model = network(*before, layers.BatchNormalization(name="norm"))
    gamma, beta = np.array([0.7, 1.3, 1.1]), np.array([0.4, -0.2, 0.1])
    model.get_layer("norm").set_weights([gamma, beta, mean, deviation**2])
    return model


def depthwise(scale: float, offset: float) -> keras.Model:
    model = network(layers.DepthwiseConv2D(1, name="scaling"))
    model.get_layer("scaling").set_weights([np.full((1, 1, 3, 1), scale), np.full(3, offset)])
    return model


def of_resnet() -> keras.Model:
    """As keras.applications.resnet.preprocess_input does it, in the graph."""
    return network(lambda x: x[..., ::-1], lambda x: x - np.array([103.939, 116.779, 123.68], np.float32))


def stacked() -> keras.Model:
    """The channels are taken apart, put together the other way round, and two networks' worth of paths meet again."""
    image = keras.Input((8, 8, 3))
    x = keras.ops.stack([image[..., channel] for channel in (2, 1, 0)], axis=-1)
    x = layers.Add()([x / 255, x / 255]) - 1.0
    x = layers.GlobalAveragePooling2D()(layers.Add()([layers.Conv2D(4, 3)(x), layers.Conv2D(4, 3)(x)]))
    return keras.Model(image, layers.Dense(2, activation="softmax")(x))


# The network, what its pixels 0 to 255 were, and a part of what is said.
READ: dict[str, tuple[Callable[[], keras.Model], tuple[float, float], str]] = {
    "Rescaling to 0 ... 1": (lambda: network(layers.Rescaling(1 / 255, name="r")), (0, 255), "r makes value * 0.00392"),
    "Rescaling to -1 ... 1": (lambda: network(layers.Rescaling(1 / 127.5, offset=-1)), (0, 255), "0.007843 - 1 of it"),
    "division and subtraction": (lambda: network(lambda x: x / 127.5, lambda x: x - 1.0), (0, 255), "true_divide"),
    "(x - 127) / 128": (lambda: network(lambda x: (x - 127.0) / 128.0), (0, 255), "so it takes pixels of 0 to 255"),
    "a mean that is subtracted": (of_resnet, (0, 255), "turns RGB into BGR itself"),
    "0 ... 1 to -1 ... 1": (lambda: network(layers.Rescaling(2.0, offset=-1)), (0, 1), "--input-range 0 1"),
    "-1 ... 1 to 0 ... 1": (lambda: network(layers.Rescaling(0.5, offset=0.5)), (-1, 1), "--input-range -1 1"),
    "-1 ... 1 to bytes": (lambda: network(layers.Rescaling(127.5, offset=127.5)), (-1, 1), "--input-range -1 1"),
    "a normalization of 0 ... 1": (lambda: network(normalised(MEAN, DEVIATION)), (0, 1), "mean 0.485, 0.456, 0.406"),
    "of bytes": (lambda: network(normalised(255 * MEAN, 255 * DEVIATION)), (0, 255), "normal expects"),
    "of -1 ... 1": (lambda: network(normalised(2 * MEAN - 1, 2 * DEVIATION)), (-1, 1), "--input-range -1 1"),
    "written out": (lambda: network(lambda x: (x - MEAN.astype(np.float32)) / DEVIATION.astype(np.float32)), (0, 1),
                    "--input-range 0 1"),
    "after a Rescaling": (lambda: network(layers.Rescaling(1 / 255), normalised(MEAN, DEVIATION)), (0, 255),
                          "rescaling"),
    "a batch normalisation of 0 ... 1": (lambda: batch_normalised(MEAN, DEVIATION), (0, 1), "norm expects"),
    "of bytes, in batches": (lambda: batch_normalised(255 * MEAN, 255 * DEVIATION), (0, 255), "norm expects"),
    "behind a subtraction": (lambda: batch_normalised(MEAN - 0.5, DEVIATION, lambda x: x - 0.5), (0, 1), "norm"),
    "a depthwise convolution": (lambda: depthwise(1 / 255, 0.0), (0, 255), "scaling makes"),
    "one that shifts": (lambda: depthwise(2.0, -1.0), (0, 1), "scaling makes"),
    "several paths": (stacked, (0, 255), "make value * 0.007843 - 1 of it"),
    "several paths, turned": (stacked, (0, 255), "turns RGB into BGR itself"),
    "behind padding": (lambda: network(layers.ZeroPadding2D(), layers.Rescaling(1 / 255)), (0, 255), "rescaling"),
}  # fmt: skip


@pytest.mark.parametrize("case", READ)
def test_the_range_of_pixels_is_read(case: str, tmp_path: Path) -> None:
    build, (low, high), words = READ[case]
    build().save(tmp_path / "theirs.keras")
    said: list[str] = []
    run = adopt(tmp_path / "theirs.keras", ("a", "b"), tmp_path / "run", progress=said.append)
    spec = ModelCard.load(run / "card.json").input
    np.testing.assert_allclose(spec.scale, (high - low) / 255)
    assert set(spec.offset) == {low} and words in " ".join(said)


UNCLEAR: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "nothing": (network, "is not written in it; say"),
    "a convolution first": (lambda: network(layers.Conv2D(3, 3), layers.Rescaling(1 / 255)), "not written in it; say"),
    "scaled behind a ReLU of no use": (lambda: network(layers.Rescaling(1.0)), "is not written in it; say"),
    "a batch normalisation that was never trained": (lambda: network(layers.BatchNormalization()), "makes value"),
    "MNIST's": (lambda: network(normalised(np.array([0.1307]), np.array([0.3081]))), "of -1 to 1 and of 0 to 1"),
    "standardised values": (lambda: batch_normalised(np.zeros(3) + 0.01, np.ones(3)), "deviation 1"),
    "another scale": (lambda: network(layers.Rescaling(10.0)), "value * 10"),
    "two ways": (lambda: network(lambda x: x / 255 + keras.ops.mean(x, -1, True)), "not written in it; say"),
    "a curve": (lambda: network(keras.ops.square), "is not written in it; say"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCLEAR)
def test_what_is_not_clear_is_asked_for(case: str, tmp_path: Path) -> None:
    build, words = UNCLEAR[case]
    build().save(tmp_path / "theirs.keras")
    with pytest.raises(InputError, match="say what a pixel becomes: --input-range 0 1") as error:
        adopt(tmp_path / "theirs.keras", ("a", "b"), tmp_path / "run")
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("chosen", "warned"),
    [(Preprocessing((1 / 255,)), True), (Preprocessing((1 / 127.5,), (-1.0,)), True), (Preprocessing((1.0,)), False)],
    ids=["0 to 1", "-1 to 1", "bytes"],
)
def test_pixels_that_would_be_scaled_twice_are_warned_of(chosen: Preprocessing, warned: bool, tmp_path: Path) -> None:
    network(layers.Rescaling(1 / 255)).save(tmp_path / "theirs.keras")
    said: list[str] = []
    run = adopt(tmp_path / "theirs.keras", ("a", "b"), tmp_path / "run", chosen, progress=said.append)
    assert ModelCard.load(run / "card.json").input.scale == (chosen.scale or ()) * 3  # what was asked for is done
    assert any(line.startswith("warning") and "scaled twice" in line for line in said) == warned
