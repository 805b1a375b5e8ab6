"""Which layers have a feature map, and the same network with every one of them as a further output."""

from collections import Counter
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras

from edgecnn.errors import InputError, ModelFileError
from edgecnn.model_file.card import PROBABILITIES, FeatureMap

# Ends of the names of layer classes: DepthwiseConv2D and SeparableConv2D, GlobalAveragePooling2D too.
_MAPPED = ("Conv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D")


def _mapped_layers(
    model: keras.Model, patterns: Sequence[str] = (), leave_out_shared: bool = False
) -> list[keras.layers.Layer]:
    """The layers of `feature_maps`."""
    layers = [layer for layer in model.layers if has_map(layer)]
    for pattern in patterns:
        if not any(fnmatchcase(layer.name, pattern) for layer in layers):
            names = ", ".join(layer.name for layer in layers) or "none"
            raise InputError(f"no convolution or pooling layer is called {pattern}; there are: {names}")
    if patterns:
        layers = [layer for layer in layers if any(fnmatchcase(layer.name, pattern) for pattern in patterns)]
    uses = Counter(id(node.operation) for node in graph_nodes(model))
    shared = [layer for layer in layers if uses[id(layer)] > 1]
    if shared and not leave_out_shared:
        raise ModelFileError(
            f"layer {shared[0].name} is used {uses[id(shared[0])]} times, so it has no one feature map; leave it out "
            "with --feature-layers, or use --no-activations"
        )
    layers = [layer for layer in layers if layer not in shared]
    # The last layer's map would be the output itself.
    return [layer for layer in layers if _output(model, layer) is not model.outputs[0]]


def has_map(layer: keras.layers.Layer) -> bool:
    """Whether what a layer gives is a feature map: that of a convolution or of a pooling."""
    return type(layer).__name__.endswith(_MAPPED)


def graph_nodes(model: keras.Model) -> list[Any]:
    """Each use of a layer in the model's own graph, in its order; a layer remembers those of other graphs as well."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    by_depth = sorted(graph._nodes_by_depth.items(), reverse=True)
    return [node for _, nodes in by_depth for node in nodes if not node.is_input]


def _output(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    return next(node.outputs[0] for node in graph_nodes(model) if node.operation is layer)


def _folded_output(model: keras.Model, layer: keras.layers.Layer) -> keras.KerasTensor:
    """What `layer` gives after the batch normalisation and ReLU that a converter folds into it.

    An output between them would keep them apart, and the activations variant would be another network.
    """
    nodes, tensor = graph_nodes(model), _output(model, layer)
    while True:
        users = [node for node in nodes if any(source is tensor for source in node.input_tensors)]
        if len(users) != 1 or not _is_folded(users[0].operation):
            return tensor
        tensor = users[0].outputs[0]


def _is_folded(layer: keras.layers.Layer) -> bool:
    rectifies = getattr(layer, "activation", None) in (keras.activations.relu, keras.activations.relu6)
    return isinstance(layer, keras.layers.BatchNormalization | keras.layers.ReLU) or (
        isinstance(layer, keras.layers.Activation) and rectifies
    )


def feature_maps(
    model: keras.Model, patterns: Sequence[str] = (), leave_out_shared: bool = False
) -> tuple[FeatureMap, ...]:
    """Name, class and shape of the maps of the convolution and pooling layers, in network order.

    Args:
        model: one flat graph.
        patterns: names or shell patterns of the layers that are wanted; empty for all.
        leave_out_shared: leave out layers that are used several times, instead of refusing them.

    Raises:
        InputError: a pattern matches none of them.
        ModelFileError: one is used several times, so that it has no one feature map.
    """
    return tuple(
        FeatureMap(layer.name, type(layer).__name__, tuple(int(size) for size in _output(model, layer).shape[1:]))
        for layer in _mapped_layers(model, patterns, leave_out_shared)
    )


def with_named_outputs(model: keras.Model, maps: Collection[FeatureMap] = ()) -> keras.Model:
    """`model` with its output called `probabilities` and, for the activations variant, `maps` by their layers' names.

    Returns:
        A model that shares the layers of `model` and returns a dict; the names become those of the TFLite signature.
    """
    outputs = {PROBABILITIES: model.outputs[0]}
    outputs.update({wanted.name: _folded_output(model, model.get_layer(wanted.name)) for wanted in maps})
    return keras.Model(model.inputs, outputs, name="classifier")  # a fixed name: the same file every time
