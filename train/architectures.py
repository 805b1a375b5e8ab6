"""Networks by name or from a Python file. Saved models hold the bare network; see `fitting/training_model.py`."""

import functools
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from edgecnn.errors import InputError, is_memory_short
from edgecnn.keras_file import first_clause
from edgecnn.user_code import importing_beside, run_python_file, sha256_of_files

from . import pretrained
from .backbones import BACKBONES, find_backbone

Shape = tuple[int, int, int]
Builder = Callable[[Shape, int], keras.Model]


def reference(shape: Shape, classes: int) -> keras.Model:
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


def compact(shape: Shape, classes: int) -> keras.Model:
    """Batch-normalised convolutions with residual sums, at the reference's cost.

    Strides halve the image three times: most weights see 4 x 4 positions of 28 x 28 pixels, where they cost little.
    Everything that 8-bit integers do well: batch normalisation folds into the convolutions before it, activations are
    ReLU, and every operator is in the builtin int8 set of TFLite and of the Edge TPU.

    Args:
        shape: (height, width, channels) of the input, float32.
        classes: number of outputs.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes), each row summing to 1;
        181,338 parameters for shape (28, 28, 1) and 10 classes, 175,760 without batch normalisation and biases.
    """
    image = keras.Input(shape, name="image")
    x = _block(image, 16, "stem")
    x = _block(x, 32, "down1", strides=2)
    for name in ("local1", "local2"):
        x = _add(x, _separable(x, 32, name), name)
    x = _block(x, 64, "down2", strides=2)
    x = _add(x, _separable(x, 64, "middle"), "middle")
    x = _block(x, 128, "down3", strides=2)
    for name in ("wide1", "wide2"):
        x = _add(x, _separable(x, 128, name), name)
    x = _separable(x, 256, "last")
    x = keras.layers.GlobalAveragePooling2D(name="average")(x)
    x = keras.layers.Dense(classes, activation="softmax", name="scores", dtype="float32")(x)
    return keras.Model(image, x, name="compact")


def residual(shape: Shape, classes: int) -> keras.Model:
    """A teacher: some 15 times the work of the reference, for distillation into a small network.

    The layout of the residual networks that train fastest on small images, after D. Page, "How to train your ResNet"
    (2018), with half the channels. Pooling comes before batch normalisation, on which it costs a quarter.

    Args:
        shape: (height, width, channels) of the input, float32.
        classes: number of outputs.

    Returns:
        A model from (batch, height, width, channels) to (batch, classes), each row summing to 1;
        816,234 parameters for shape (28, 28, 1) and 10 classes.
    """
    layers = keras.layers
    image = keras.Input(shape, name="image")
    x = _block(_block(image, 32, "stem"), 64, "block1", pooling="pool1")
    x = _add(x, _block(_block(x, 64, "block1_a"), 64, "block1_b"), "block1")
    x = _block(_block(x, 128, "block2", pooling="pool2"), 160, "block3")
    x = _add(x, _block(_block(x, 160, "block3_a"), 160, "block3_b"), "block3")
    x = layers.GlobalMaxPooling2D(name="maximum")(x)
    x = layers.Dense(classes, activation="softmax", name="scores", dtype="float32")(x)
    return keras.Model(image, x, name="residual")


def _block(
    x: keras.KerasTensor, filters: int | None, name: str, kernel: int = 3, strides: int = 1, pooling: str | None = None
) -> keras.KerasTensor:
    """Convolution (depthwise for no `filters`), max pooling where it has a name, batch normalisation, ReLU."""
    layers = keras.layers
    if filters is None:
        x = layers.DepthwiseConv2D(kernel, padding="same", use_bias=False, name=name)(x)
    else:
        x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False, name=name)(x)
    if pooling:
        x = layers.MaxPooling2D(name=pooling)(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _separable(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    """A depthwise and a pointwise convolution, each with batch normalisation and ReLU."""
    return _block(_block(x, None, f"{name}_depthwise"), filters, f"{name}_pointwise", kernel=1)


def _add(x: keras.KerasTensor, y: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.Add(name=f"{name}_add")([x, y])


ARCHITECTURES: dict[str, Builder] = {"reference": reference, "compact": compact, "residual": residual}


def find_builder(name: str) -> Builder:
    """The builder called `name`, or for `FILE.py:function` the function in that file.

    Raises:
        InputError: there is none; the message lists the known ones.
    """
    if name in ARCHITECTURES:
        return ARCHITECTURES[name]
    if backbone := find_backbone(name):
        return functools.partial(pretrained.build_backbone, backbone.row, backbone.width)
    file, separator, function = name.rpartition(":")
    if not separator or not file.endswith(".py"):
        raise InputError(
            f"unknown architecture {name!r}; known: {', '.join([*ARCHITECTURES, *BACKBONES])}, or FILE.py:function "
            "with a function of (height, width, channels) and the number of classes that returns a Keras model"
        )
    if not Path(file).is_file():
        raise InputError(f"no architecture file {file}; give FILE.py:function")
    builder: Builder | None = getattr(run_python_file(Path(file)), function, None)
    if builder is None or not callable(builder):
        raise InputError(f"{file} has no function {function!r}; name one that returns a Keras model")
    return functools.partial(_build_beside, Path(file), builder)


def _build_beside(file: Path, builder: Builder, shape: Shape, classes: int) -> keras.Model:
    """What `builder`, a function of `file`, returns: it may import what lies beside that."""
    with importing_beside(file):
        return builder(shape, classes)


def source_sha256(name: str) -> str:
    """SHA-256 of the file of a `FILE.py:function`, and of what it imports from its folder; empty for a name."""
    if name in ARCHITECTURES or find_backbone(name):
        return ""
    return sha256_of_files([Path(name.rpartition(":")[0])])


def build_network(name: str, shape: Shape, classes: int) -> keras.Model:
    """Build the architecture called `name`, or of `FILE.py:function`.

    Raises:
        InputError: no such architecture, or it does not map (batch, height, width, channels) to (batch, classes).
    """
    builder = find_builder(name)
    try:
        model = builder(shape, classes)
    except (Exception, SystemExit) as error:  # a builder may be the user's own: whatever it raises is one sentence
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"architecture {name} cannot be built for images of {shape}: {reason}") from error
    if not isinstance(model, keras.Model):
        raise InputError(f"architecture {name} must return a Keras model. Received: {type(model).__name__}")
    if not model.built or not getattr(model, "inputs", None):
        raise InputError(
            f"architecture {name} must return a Sequential or functional model that begins with keras.Input"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1 or tuple(model.inputs[0].shape) != (None, *shape):
        raise InputError(f"architecture {name} must take one input of shape (None, {', '.join(map(str, shape))})")
    if tuple(model.outputs[0].shape) != (None, classes):
        raise InputError(
            f"architecture {name} must return (None, {classes}), one probability a class. "
            f"Received: {tuple(model.outputs[0].shape)}"
        )
    return model


def require_classifier(name: str, shape: Shape, classes: int) -> None:
    """Make sure that the architecture called `name` can be trained: one of the user's own is run, on noise.

    Raises:
        InputError: see `build_network`; or it cannot be run, or does not give probabilities.
    """
    model = build_network(name, shape, classes)
    if not source_sha256(name):
        return
    noise = np.random.default_rng(0).standard_normal((8, *shape), np.float32)
    try:
        sums = np.asarray(model.predict_on_batch(noise), np.float64).sum(axis=1)
    except Exception as error:  # its layers may be the user's own, too
        if is_memory_short(error):
            raise
        raise InputError(f"architecture {name} cannot be run: {first_clause(error)}; mend that in it") from error
    if not np.allclose(sums, 1, atol=1e-2):
        raise InputError(
            f"architecture {name} does not give probabilities (they must sum to 1, and are {sums[0]:.3g} here); end it "
            "with a softmax"
        )
