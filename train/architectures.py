"""Networks by name. Saved models hold the bare network; what only training needs is added by `regularised`."""

from collections.abc import Callable

import keras

from edgecnn.errors import InputError


def reference(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Two conv + max-pool blocks and two dense layers.

    From the tutorial notebook "Convolutional Neural Networks - Summary" (Fashion-MNIST, TensorFlow/Keras).

    Args:
        shape: (height, width, channels) of the input, float32.
        classes: number of outputs.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes), each row summing to 1;
        243,786 parameters for shape (28, 28, 1) and 10 classes.
    """
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape, name="image"),
            layers.Conv2D(64, (3, 3), activation="relu", name="conv2d"),
            layers.MaxPooling2D((2, 2), name="max_pooling2d"),
            layers.Conv2D(64, (3, 3), activation="relu", name="conv2d_1"),
            layers.MaxPooling2D((2, 2), name="max_pooling2d_1"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="dense"),
            # The softmax stays in float32 when the rest computes in 16 bits.
            layers.Dense(classes, activation="softmax", name="dense_1", dtype="float32"),
        ],
        name="reference",
    )


ARCHITECTURES: dict[str, Callable[[tuple[int, int, int], int], keras.Model]] = {"reference": reference}


def check(name: str) -> None:
    """Make sure that there is an architecture called `name`.

    Raises:
        InputError: there is none; the message lists the known ones.
    """
    if name not in ARCHITECTURES:
        raise InputError(f"unknown architecture {name!r}; known: {', '.join(ARCHITECTURES)}")


def build(name: str, shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build the architecture called `name`; see its function for shapes.

    Raises:
        InputError: no such architecture.
    """
    check(name)
    return ARCHITECTURES[name](shape, classes)


def regularised(model: keras.Model, *, flip: bool, dropout: float) -> keras.Model:
    """The network to train instead of `model`: the same layers, hence the same weights, and what training adds.

    Args:
        model: a Sequential model.
        flip: mirror each image left to right with probability 1/2.
        dropout: share of inputs dropped before every Dense layer; 0 for none.

    Returns:
        A model of the same input and output shapes that shares the weights of `model`.
    """
    inputs = keras.Input(model.input_shape[1:])
    outputs = keras.layers.RandomFlip("horizontal")(inputs) if flip else inputs
    for layer in model.layers:
        if dropout and isinstance(layer, keras.layers.Dense):
            outputs = keras.layers.Dropout(dropout)(outputs)
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)
