"""One graph out of a model that holds others, so that every layer can be read and nothing is in half precision."""

import functools
from collections.abc import Collection
from itertools import chain, count
from typing import Any

import keras

# They do nothing but in training, and yet leave random operators in an exported graph.
_AUGMENTATIONS = ("Rand", "AugMix", "CutMix", "MixUp")


def flatten(model: keras.Model) -> keras.Model:
    """Bring the layers of models in `model` (a `keras.applications` base, say) to the top, all in float32.

    Args:
        model: Sequential or Functional; one that is flat, float32 and without augmentation is returned as it is.

    Returns:
        A model with weights of its own and the same layer names; where two would be equal, the inner model's name is
        put before, and a number behind where that is taken, too.
    """
    if not any(
        isinstance(layer, keras.Model)
        or is_augmentation(layer)
        or layer.compute_dtype != "float32"
        or _is_called_as_in_training(layer)
        for layer in model.layers
    ):
        return model
    copies = _Copies(model)

    def call(owner: keras.Model, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Model):
            return run(operation, args[0])
        if is_augmentation(operation) or _keeps_size(operation, args[0]):
            return args[0]
        if isinstance(operation, keras.layers.Layer):
            kwargs.pop("training", None)
            return copies.layer(operation, owner)(*args, **kwargs)
        return copies.operation(operation, owner)(*args, **kwargs)

    def run(part: keras.Model, inputs: Any) -> Any:
        operation_fn = functools.partial(functools.partial, call, part)
        return _graph(part)._run_through_graph(inputs, operation_fn=operation_fn)

    inputs = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    flat = keras.Model(inputs, run(model, inputs), name=model.name)
    copies.set_weights()
    return flat


class _Copies:
    """Layers and operations of a model and of those in it, made once each, with names that are used once."""

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._taken = {operation.name for operation in _graph(model).operations}
        self._layers: dict[int, tuple[keras.layers.Layer, keras.layers.Layer]] = {}
        self._operations: dict[int, Any] = {}

    def layer(self, layer: keras.layers.Layer, owner: keras.Model) -> keras.layers.Layer:
        """One like `layer` of the model `owner`, in float32."""
        if id(layer) not in self._layers:
            config = {**layer.get_config(), "name": self._name(layer, owner)}
            if "dtype" in config:
                config["dtype"] = "float32"
            self._layers[id(layer)] = layer, type(layer).from_config(config)
        return self._layers[id(layer)][1]

    def operation(self, operation: Any, owner: keras.Model) -> Any:
        """One without weights, such as x + y: itself, or one like it where its name is taken."""
        if id(operation) not in self._operations:
            name = self._name(operation, owner)
            self._operations[id(operation)] = operation if name == operation.name else _like(operation, name)
        return self._operations[id(operation)]

    def set_weights(self) -> None:
        """Give the layers the weights of those that they are like."""
        for original, copy in self._layers.values():
            copy.set_weights(original.get_weights())

    def _name(self, operation: Any, owner: keras.Model) -> str:
        name = operation.name if owner is self._model else free_name(operation.name, self._taken, owner.name)
        self._taken.add(name)
        return str(name)


def free_name(name: str, taken: Collection[str], owner: str = "") -> str:
    """`name`, or where that is taken one that is not: after its owner's, if it has one, and then with a number."""
    longer = f"{owner}_{name}" if owner else name
    names = chain((name, longer), (f"{longer}_{number}" for number in count(1)))
    return next(each for each in names if each not in taken)


def _like(operation: Any, name: str) -> Any:
    """An operation made again, as from a file, with another name."""
    made: Any = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(operation))
    made.name = name
    return made


def _graph(model: keras.Model) -> Any:
    return model._functional if isinstance(model, keras.Sequential) else model


def _is_called_as_in_training(layer: keras.layers.Layer) -> bool:
    """Whether it was called with `training=True`: Keras 3 predicts as without it, and exports it all the same."""
    nodes: Any = layer._inbound_nodes
    return any(node.arguments.kwargs.get("training") for node in nodes)


def _keeps_size(layer: Any, image: Any) -> bool:
    """Whether it is a Resizing layer for images that have its size already: then it returns them as they are."""
    return isinstance(layer, keras.layers.Resizing) and layer.compute_output_shape(image.shape) == image.shape


def is_augmentation(layer: Any) -> bool:
    """Whether a layer changes images in training and returns them as they are afterwards (RandomCrop does not)."""
    name = type(layer).__name__
    return name.startswith(_AUGMENTATIONS) and name != "RandomCrop"
