"""The activation model: the same network, with every feature map as a further output."""

from collections import Counter
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import PROBABILITIES, FeatureMap, ModelCard
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import DAMAGED_FILE
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table

from .flattening import flatten

# Ends of the names of layer classes: DepthwiseConv2D and SeparableConv2D, GlobalAveragePooling2D too.
_MAPPED = ("Conv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D")
_BATCH = 500


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference; a model inside it becomes part of one flat graph, see `flatten`.

    Raises:
        ModelFileError: missing, damaged, or not one image in and class scores out.
    """
    if not path.is_file():
        raise ModelFileError(f"no Keras model at {path}; train one with edgecnn train")
    try:
        with captured_stderr():
            model = keras.models.load_model(path, compile=False)
    except DAMAGED_FILE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelFileError(f"{path} does not load as a Keras model ({reason}); train it again") from None
    if not model.built or not hasattr(model, "inputs") or not model.inputs:
        raise ModelFileError(
            f"{path} holds a model without a fixed input shape; build it with keras.Input and save it again"
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelFileError(f"{path} must have one input and one output; edgecnn converts image classifiers only")
    if len(model.inputs[0].shape) != 4 or len(model.outputs[0].shape) != 2:
        raise ModelFileError(
            f"{path} must map (batch, height, width, channels) to (batch, classes). "
            f"Received: {model.inputs[0].shape} to {model.outputs[0].shape}; give an image classifier"
        )
    if None in model.inputs[0].shape[1:]:
        raise ModelFileError(
            f"{path} must take images of one size. Received: {model.inputs[0].shape}; fix its keras.Input"
        )
    model = flatten(model)
    if PROBABILITIES in {layer.name for layer in model.layers if _has_map(layer)}:
        raise ModelFileError(f"{path} has a layer called {PROBABILITIES!r}, the name of edgecnn's output; rename it")
    return model


def check_card(model: keras.Model, card: ModelCard, path: Path) -> None:
    """Make sure that card and model are of one another.

    Raises:
        ModelFileError: another input shape or number of classes.
    """
    found = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1]
    if found != (card.input.shape, len(card.labels)):
        raise ModelFileError(
            f"{path}: the card beside it says {card.input.shape} to {len(card.labels)} classes, the model takes "
            f"{found[0]} to {found[1]}; train it again"
        )


def feature_layers(
    model: keras.Model, patterns: Sequence[str] = (), leave_out_shared: bool = False
) -> list[keras.layers.Layer]:
    """The convolution and pooling layers of `model`, in network order.

    Args:
        patterns: names or shell patterns of those that are wanted; empty for all.
        leave_out_shared: leave out layers that are used several times, instead of refusing them.

    Raises:
        InputError: a pattern matches none of them.
        ModelFileError: one is used several times, so that it has no one feature map.
    """
    layers = [layer for layer in model.layers if _has_map(layer)]
    for pattern in patterns:
        if not any(fnmatchcase(layer.name, pattern) for layer in layers):
            names = ", ".join(layer.name for layer in layers) or "none"
            raise InputError(f"no convolution or pooling layer is called {pattern}; there are: {names}")
    if patterns:
        layers = [layer for layer in layers if any(fnmatchcase(layer.name, pattern) for pattern in patterns)]
    uses = Counter(id(node.operation) for node in _nodes(model))
    shared = [layer for layer in layers if uses[id(layer)] > 1]
    if shared and not leave_out_shared:
        raise ModelFileError(
            f"layer {shared[0].name} is used {uses[id(shared[0])]} times, so it has no one feature map; leave it out "
            "with --feature-layers, or use --no-activations"
        )
    layers = [layer for layer in layers if layer not in shared]
    # The last layer's map would be the output itself.
    return [layer for layer in layers if _output(model, layer) is not model.outputs[0]]


def _has_map(layer: keras.layers.Layer) -> bool:
    return type(layer).__name__.endswith(_MAPPED)


def _nodes(model: keras.Model) -> list[Any]:
    """Each use of a layer in the model's own graph; a layer remembers those of other graphs as well."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    return [node for nodes in graph._nodes_by_depth.values() for node in nodes if not node.is_input]


def _output(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    return next(node.outputs[0] for node in _nodes(model) if node.operation is layer)


def _folded_output(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    """What `layer` gives after the batch normalisation and ReLU that a converter folds into it.

    An output between them would keep them apart, and the activations variant would be another network.
    """
    nodes, tensor = _nodes(model), _output(model, layer)
    while True:
        users = [node for node in nodes if any(given is tensor for given in node.input_tensors)]
        if len(users) != 1 or not _is_folded(users[0].operation):
            return tensor
        tensor = users[0].outputs[0]


def _is_folded(layer: keras.layers.Layer) -> bool:
    rectifies = getattr(layer, "activation", None) in (keras.activations.relu, keras.activations.relu6)
    return isinstance(layer, keras.layers.BatchNormalization | keras.layers.ReLU) or (
        isinstance(layer, keras.layers.Activation) and rectifies
    )


def predict(model: keras.Model, images: Images, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels), in batches."""
    table = input_table(spec)
    parts = [
        np.asarray(
            model.predict_on_batch(apply_table(table, np.asarray(images[start : start + _BATCH]))), dtype=np.float32
        )
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts)


def feature_maps(
    model: keras.Model, patterns: Sequence[str] = (), leave_out_shared: bool = False
) -> tuple[FeatureMap, ...]:
    """Name, class and shape of feature maps, in network order; see `feature_layers`."""
    return tuple(
        FeatureMap(layer.name, type(layer).__name__, tuple(int(size) for size in _output(model, layer).shape[1:]))
        for layer in feature_layers(model, patterns, leave_out_shared)
    )


def with_named_outputs(model: keras.Model, maps: Collection[FeatureMap] = ()) -> keras.Model:
    """`model` with its output called `probabilities` and, for the activations variant, `maps` by their layers' names.

    Returns:
        A model that shares the layers of `model` and returns a dict; the names become those of the TFLite signature.
    """
    outputs = {PROBABILITIES: model.outputs[0]}
    outputs.update({found.name: _folded_output(model, model.get_layer(found.name)) for found in maps})
    return keras.Model(model.inputs, outputs, name="classifier")  # a fixed name: the same file every time
