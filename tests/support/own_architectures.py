"""A user's file with builders of networks: one that is right, and all that are not."""

import sys
from typing import Any

import keras

Shape = tuple[int, int, int]


def net(shape: Shape, classes: int) -> keras.Model:
    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")]
    return keras.Sequential(layers)


def normalised(shape: Shape, classes: int) -> keras.Model:
    """Two convolutions with batch normalisation, and a last layer on the mean of the second."""
    layers = [
        keras.Input(shape),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu", name="first"),
        keras.layers.BatchNormalization(name="first_norm"),
        keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="second"),
        keras.layers.BatchNormalization(name="second_norm"),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(classes, activation="softmax", name="scores"),
    ]
    return keras.Sequential(layers, name="normalised")  # an own name: another number in each would be in the file


def nested(shape: Shape, classes: int) -> keras.Model:
    """A network within the network, as people put keras.applications into theirs, and a last layer without a bias."""
    inner = [
        keras.Input(shape),
        keras.layers.Conv2D(8, 3, strides=4, activation="relu", name="inner"),
        keras.layers.BatchNormalization(name="inner_norm"),
    ]
    layers = [
        keras.Input(shape),
        keras.Sequential(inner, name="base"),
        keras.layers.Flatten(name="flat"),
        keras.layers.Dense(classes, activation="softmax", use_bias=False, name="scores"),
    ]
    return keras.Sequential(layers, name="nested")


def headless(shape: Shape, _: int) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(3)])


def logits(shape: Shape, classes: int) -> keras.Model:
    return keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(classes)])


def sigmoids(shape: Shape, classes: int) -> keras.Model:
    layers = [keras.layers.Flatten(), keras.layers.Dense(classes, activation="sigmoid")]
    return keras.Sequential([keras.Input(shape), *layers])


def named(shape: Shape, classes: int) -> keras.Model:
    layers = [keras.layers.Flatten(name="one row"), keras.layers.Dense(classes, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *layers])


def text(_: Shape, __: int) -> str:
    return "no model"


def broken(_: Shape, __: int) -> keras.Model:
    raise ValueError("too small an image")


def mistyped(_: Shape, __: int) -> Any:
    return keras.layers.Conv2d(3)


def silent(_: Shape, __: int) -> keras.Model:
    raise ValueError


def leaving(_: Shape, __: int) -> keras.Model:
    sys.exit("no GPU")


class Asserting(keras.layers.Layer):  # type: ignore[misc]
    """A layer that asserts something of its images, without a word."""

    def call(self, x: Any) -> Any:
        """Return `x`."""
        assert not keras.ops.shape(x)[0]
        return x

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return `shape`."""
        return shape


def asserting(shape: Shape, classes: int) -> keras.Model:
    layers = [keras.layers.Flatten(), Asserting(), keras.layers.Dense(classes, activation="softmax")]
    return keras.Sequential([keras.Input(shape), *layers])


def unbuilt(_: Shape, classes: int) -> keras.Model:
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(classes)])


class Own(keras.Model):  # type: ignore[misc]
    """A network that Keras knows only when it runs."""

    def call(self, x: Any) -> Any:
        """Return `x`."""
        return x


def subclassed(_: Shape, __: int) -> keras.Model:
    return Own()
