"""Which layers have a feature map, and the same network with every one of them as a further output."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

import keras

from edgecnn.errors import InputError
from edgecnn.model_file.card import PROBABILITIES, FeatureMap

# Ends of the names of layer classes: DepthwiseConv2D and SeparableConv2D, GlobalAveragePooling2D too.
_MAPPED = ("Conv2D", "Conv2DTranspose", "MaxPooling2D", "AveragePooling2D")


@dataclass(frozen=True)
class LayerUse:
    """One use of a layer in a network's graph.

    Attributes:
        name: the layer's; where it is used several times, `name#1`, `name#2`, ... in network order.
        node: of Keras' graph.
    """

    name: str
    node: Any

    @property
    def layer(self) -> keras.layers.Layer:
        """The layer that is used."""
        layer: keras.layers.Layer = self.node.operation
        return layer

    @property
    def output(self) -> keras.KerasTensor:
        """What the layer gives there."""
        return self.node.outputs[0]


def layer_uses(model: keras.Model) -> tuple[LayerUse, ...]:
    """Every use of every layer, in network order."""
    nodes = graph_nodes(model)
    times = Counter(id(node.operation) for node in nodes)
    taken = {node.operation.name for node in nodes}
    uses = []
    for node in nodes:
        name = node.operation.name
        if times[id(node.operation)] > 1:
            name = next(each for each in (f"{name}#{number}" for number in count(1)) if each not in taken)
            taken.add(name)
        uses.append(LayerUse(name, node))
    return tuple(uses)


def _mapped_uses(model: keras.Model, patterns: Sequence[str] = ()) -> list[LayerUse]:
    """The uses of layers of `feature_maps`."""
    uses = [use for use in layer_uses(model) if has_map(use.layer)]

    def matches(use: LayerUse, pattern: str) -> bool:
        return fnmatchcase(use.name, pattern) or fnmatchcase(use.layer.name, pattern)

    for pattern in patterns:
        if not any(matches(use, pattern) for use in uses):
            names = ", ".join(use.name for use in uses) or "none"
            raise InputError(f"no convolution or pooling layer is called {pattern}; there are: {names}")
    if patterns:
        uses = [use for use in uses if any(matches(use, pattern) for pattern in patterns)]
    # The last layer's map would be the output itself.
    return [use for use in uses if use.output is not model.outputs[0]]


def values_of(tensor: keras.KerasTensor) -> int:
    """How many values of it there are for an image; sizes that Keras does not know count once."""
    return math.prod(size or 1 for size in tensor.shape[1:])


def has_map(layer: keras.layers.Layer) -> bool:
    """Whether what a layer gives is a feature map: that of a convolution or of a pooling."""
    return type(layer).__name__.endswith(_MAPPED)


def graph_nodes(model: keras.Model) -> list[Any]:
    """Each use of a layer in the model's own graph, in its order; a layer remembers those of other graphs as well."""
    graph = model._functional if isinstance(model, keras.Sequential) else model
    places = {id(operation): place for place, operation in enumerate(graph.operations)}
    order: dict[int, int] = {}
    found: list[Any] = []

    def place(node: Any) -> tuple[int, list[int]]:
        return places[id(node.operation)], [order.get(id(tensor), -1) for tensor in node.input_tensors]

    for _, nodes in sorted(graph._nodes_by_depth.items(), reverse=True):
        # Uses of one layer side by side stand in the order of what they are fed with.
        for node in sorted((node for node in nodes if not node.is_input), key=place):
            order.update({id(tensor): len(found) for tensor in node.outputs})
            found.append(node)
    return found


def _folded_output(model: keras.Model, tensor: keras.KerasTensor) -> keras.KerasTensor:
    """What a layer gives after the batch normalisation and ReLU that a converter folds into it.

    An output between them would keep them apart, and the activations variant would be another network.
    """
    nodes = graph_nodes(model)
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


def feature_maps(model: keras.Model, patterns: Sequence[str] = ()) -> tuple[FeatureMap, ...]:
    """Name, class and shape of the maps of the convolution and pooling layers, in network order.

    Args:
        model: one flat graph.
        patterns: names or shell patterns of the layers that are wanted; empty for all. The name of a layer that is
            used several times stands for all its uses, `name#2` for one.

    Raises:
        InputError: a pattern matches none of them.
    """
    return tuple(
        FeatureMap(use.name, type(use.layer).__name__, tuple(int(size) for size in use.output.shape[1:]))
        for use in _mapped_uses(model, patterns)
    )


def with_named_outputs(model: keras.Model, maps: Collection[FeatureMap] = ()) -> keras.Model:
    """`model` with its output called `probabilities` and, for the activations variant, `maps` by their names.

    Returns:
        A model that shares the layers of `model` and returns a dict; the names become those of the TFLite signature.
    """
    tensors = {use.name: use.output for use in layer_uses(model)}
    outputs = {PROBABILITIES: model.outputs[0]}
    outputs.update({wanted.name: _folded_output(model, tensors[wanted.name]) for wanted in maps})
    return keras.Model(model.inputs, outputs, name="classifier")  # a fixed name: the same file every time
