"""The same network with channels last: TFLite's order, in which feature maps are drawn."""

import functools
from dataclasses import dataclass
from typing import Any

import keras

_AXES = {1: 3, 2: 1, 3: 2, -1: 2, -2: 1, -3: 3}
_LAST, _FIRST = (2, 3, 1), (3, 1, 2)
_ELEMENTWISE = ("Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "SpatialDropout2D", "GaussianNoise", "Identity")
_MERGING = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
_WITH_AXIS = ("BatchNormalization", "LayerNormalization", "GroupNormalization", "Concatenate", "Softmax")


@dataclass
class _Value:
    """A tensor of the network in either order; the other is made when it is asked for.

    Attributes:
        first: as the network has it; for a tensor that is no image, the only one.
        last: (batch, height, width, channels), where `first` has the channels first.
    """

    first: Any = None
    last: Any = None

    def as_it_was(self) -> Any:
        if self.first is None:
            self.first = _permute("edgecnn_to_first", _FIRST)(self.last)
        return self.first

    def channels_last(self) -> Any:
        if self.last is None:
            self.last = _permute("edgecnn_to_last", _LAST)(self.first)
        return self.last


def _permute(name: str, order: tuple[int, ...]) -> keras.layers.Layer:
    """With a name that no layer of the network has: Keras' own, permute_1, may lie in a file, too."""
    return keras.layers.Permute(order, name=f"{name}_{keras.backend.get_uid(name)}")


def is_channels_first(layer: Any) -> bool:
    """Whether it takes (batch, channels, height, width)."""
    return getattr(layer, "data_format", None) == "channels_first"


def to_channels_last(model: keras.Model) -> keras.Model:
    """`model` with its layers in the order (batch, height, width, channels).

    Layers that have a twin in that order are replaced by it, with the same name and weights; before any other, the
    order is changed back, so that the answers are the same whatever layers there are.

    Args:
        model: one flat graph; without layers that want channels first it is returned as it is.

    Returns:
        A model with the same input and answers.
    """
    if not any(is_channels_first(layer) for layer in model.layers):
        return model
    copies: dict[int, tuple[keras.layers.Layer, keras.layers.Layer]] = {}

    def twin(layer: keras.layers.Layer, **changes: Any) -> keras.layers.Layer:
        if id(layer) not in copies:
            copies[id(layer)] = layer, type(layer).from_config({**layer.get_config(), **changes})
        return copies[id(layer)][1]

    def call(operation: Any, *args: Any, **kwargs: Any) -> _Value:
        changes = _changes(operation, args, kwargs)
        if changes is not None:
            layer = twin(operation, **changes) if isinstance(operation, keras.layers.Layer) else operation
            result = layer(*_tensors(args, _Value.channels_last), **kwargs)
            # What has lost its positions (a pooling over all of them, Flatten) has no order any more.
            return _Value(last=result) if len(result.shape) == 4 else _Value(first=result)
        value = args[0]
        if isinstance(operation, keras.layers.Permute) and isinstance(value, _Value):
            dims = tuple(operation.dims)
            if dims == _FIRST and value.last is None:
                return _Value(last=value.first)
            if dims == _LAST:
                return _Value(first=value.channels_last())
        layer = twin(operation) if isinstance(operation, keras.layers.Layer) else operation
        return _Value(first=layer(*_tensors(args, _Value.as_it_was), **_tensors(kwargs, _Value.as_it_was)))

    inputs = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    graph = model._functional if isinstance(model, keras.Sequential) else model
    output = graph._run_through_graph(_Value(first=inputs), operation_fn=lambda each: functools.partial(call, each))
    (output,) = keras.tree.flatten(output)
    turned = keras.Model(inputs, output.as_it_was(), name=model.name)
    for original, copy in copies.values():
        copy.set_weights(original.get_weights())
    return turned


def _tensors(arguments: Any, order: Any) -> Any:
    return keras.tree.map_structure(lambda each: order(each) if isinstance(each, _Value) else each, arguments)


def _changes(operation: Any, args: Any, kwargs: Any) -> dict[str, Any] | None:
    """What the twin with channels last has otherwise; None where there is no such twin."""
    values = [each for each in keras.tree.flatten(args) if isinstance(each, _Value)]
    if is_channels_first(operation):
        return {"data_format": "channels_last"}
    if any(each.last is None for each in values) or any(isinstance(each, _Value) for each in kwargs.values()):
        return None
    name, constants = type(operation).__name__, len(keras.tree.flatten(args)) - len(values)
    if name in _ELEMENTWISE:
        return {}
    if name in _MERGING and (not constants or all(isinstance(each, _Value | float | int) for each in args)):
        return {}
    axis = getattr(operation, "axis", None)
    if name in _WITH_AXIS and isinstance(axis, int) and axis in _AXES and isinstance(operation, keras.layers.Layer):
        return {"axis": _AXES[axis]}
    return None
