"""The end of a classifier that was trained elsewhere: whatever it gives becomes one probability a class."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError, ModelFileError

from .training_loss import BINARY, REGRESSION, training_loss

Progress = Callable[[str], None]
_OUTPUT = "two_classes"
_PROBABILITIES = ("sigmoid", "hardsigmoid")
_ACTIVATIONS = {name.replace("_", "") for name in dir(keras.activations)} | {"prelu"}  # linear is one
# They move values and change none.
_MOVERS = ("Flatten", "Reshape", "Dropout", "Identity", "Squeeze")


def require_classes(network: keras.Model, labels: Sequence[str], source: Path) -> None:
    """Make sure that a network tells classes apart of which one is right, and that there is a label for each.

    Raises:
        InputError: there are more labels or fewer; one output has two.
        ModelFileError: it ends in several sigmoids, in one output that is neither a probability nor a logit, or in
            numbers.
    """
    classes, kind = int(network.outputs[0].shape[1]), _ending(network.outputs[0])
    is_activation = kind in _ACTIVATIONS and kind not in _PROBABILITIES
    loss = training_loss(source) if is_activation and kind != "softmax" else ""
    if classes > 1 and (kind in _PROBABILITIES or loss in BINARY):
        ends = f"{classes} outputs that were trained with {loss}" if loss in BINARY else f"{classes} sigmoids"
        raise ModelFileError(
            f"{source} ends in {ends}: each class has a probability of its own, so several may be right "
            "at once (multi-label); edgecnn takes classifiers with one right class, ending in a softmax, in logits, or "
            "in a single sigmoid for two classes"
        )
    if classes == 1 and is_activation and kind != "linear":
        raise ModelFileError(
            f"{source} has one output that ends in {kind}, which is neither a probability nor a logit; edgecnn takes "
            "one sigmoid, one logit (no activation), or one output a class"
        )
    if loss in REGRESSION:
        raise ModelFileError(
            f"{source} was trained with the loss {loss} and has no softmax or sigmoid at its end: it answers with "
            "numbers, not with classes; give an image classifier"
        )
    if classes == 1 and len(labels) != 2:
        raise InputError(
            f"{source} has one output, which tells two classes apart; the labels are {len(labels)}: give two lines, "
            "the class that it was trained to answer with 0, then the one for 1"
        )
    if classes > 1 and len(labels) != classes:
        raise InputError(
            f"{source} has {classes} outputs, the labels are {len(labels)}; give one a line, in their order"
        )


def with_probabilities(
    network: keras.Model, scores: npt.NDArray[np.float64], labels: Sequence[str], source: Path, progress: Progress
) -> keras.Model:
    """The network with probabilities (batch, classes) as output.

    Logits get a softmax. One sigmoid or one logit becomes a softmax over two classes, which is the same function:
    the probabilities are 1 - p and p.

    Args:
        network: one flat graph that `require_classes` takes.
        scores: what it gives for some images, (images, outputs).
        labels: class names.
        source: its file, for messages.
        progress: is told what was added.

    Raises:
        ModelFileError: its scores are no numbers.
    """
    if not np.isfinite(scores).all():
        raise ModelFileError(
            f"{source} gives scores that are no numbers (NaN) for images of noise, though its weights are: it divides "
            "by zero or overflows on such pixels; compare --input-range and --scale with the code that trained it"
        )
    if scores.shape[1] == 1:
        return _two_classes(network, labels, source, progress)
    if scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return network
    progress(f"{source} ends in logits: a softmax makes probabilities of them")
    outputs = keras.layers.Softmax(name="softmax_of_logits")(network.outputs[0])
    return keras.Model(network.inputs, outputs, name=network.name)


def _ending(output: keras.KerasTensor) -> str:
    """What the last layer that changes values ends in: `sigmoid`, `softmax`, `linear`, or another, lowercase."""
    while type(_origin(output)).__name__ in _MOVERS:
        output = _input_of(output)
    return _function(_origin(output))


def _function(operation: Any) -> str:
    activation = getattr(operation, "activation", None)
    return str(getattr(activation, "__name__", type(activation or operation).__name__)).lower().replace("_", "")


def _origin(tensor: keras.KerasTensor) -> Any:
    return tensor._keras_history.operation


def _input_of(tensor: keras.KerasTensor) -> keras.KerasTensor:
    """What the layer that gives `tensor` is fed."""
    source: keras.KerasTensor = _origin(tensor)._inbound_nodes[tensor._keras_history.node_index].input_tensors[0]
    return source


def _two_classes(network: keras.Model, labels: Sequence[str], source: Path, progress: Progress) -> keras.Model:
    is_probability = _ending(network.outputs[0]) in _PROBABILITIES
    what = "one sigmoid, taken as" if is_probability else "one output without a sigmoid, taken as the logit of"
    progress(
        f"{source} ends in {what} the probability of {labels[1]!r}, the second label; that of {labels[0]!r} is 1 minus "
        "it (were they the other way round in training, swap the two lines of --labels)"
    )
    layer, tensor = _pair_layer(network.outputs[0], is_probability)
    return keras.Model(network.inputs, layer(tensor), name=network.name)


def _pair_layer(output: keras.KerasTensor, is_probability: bool) -> tuple[keras.layers.Layer, keras.KerasTensor]:
    """A dense layer from one value to two probabilities, and what to feed it.

    With `z` the logit, softmax(-z/2, z/2) is (1 - sigmoid(z), sigmoid(z)); half of a float is exact. A Dense layer that
    gives `z` (or its sigmoid) is replaced, so that no further rounding to integers lies between.
    """
    if is_probability and _is_sigmoid_alone(_origin(output)):
        output, is_probability = _input_of(output), False
    last = _origin(output)
    if type(last) is keras.layers.Dense and _function(last) == ("sigmoid" if is_probability else "linear"):
        kernel, bias = np.asarray(last.kernel), np.asarray(last.bias if last.use_bias else [0.0], np.float32)
        layer = keras.layers.Dense(2, activation="softmax", name=last.name)
        source, weights = _input_of(output), [np.concatenate([-kernel, kernel], 1) / 2, np.array([-1, 1]) * bias / 2]
    elif is_probability:  # 1 - p and p
        source, layer, weights = output, keras.layers.Dense(2, name=_OUTPUT), [np.array([[-1, 1]]), np.array([1, 0])]
    else:
        layer = keras.layers.Dense(2, activation="softmax", name=_OUTPUT)
        source, weights = output, [np.array([[-0.5, 0.5]]), np.zeros(2)]
    layer.build(source.shape)
    layer.set_weights([values.astype(np.float32) for values in weights])
    return layer, source


def _is_sigmoid_alone(operation: Any) -> bool:
    """Whether it is a sigmoid without weights: keras.layers.Activation, or keras.ops.sigmoid."""
    return _function(operation) == "sigmoid" and not getattr(operation, "weights", None)
