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
    copies: dict[int, tuple[keras.layers.Layer, keras.layers.Layer]] = {}
    renamed: dict[int, Any] = {}
    taken = {operation.name for operation in _graph(model).operations}

    def copied(layer: keras.layers.Layer, owner: keras.Model) -> keras.layers.Layer:
        if id(layer) not in copies:
            config = layer.get_config()
            if owner is not model:
                config["name"] = free_name(layer.name, taken, owner.name)
            taken.add(config["name"])
            if "dtype" in config:
                config["dtype"] = "float32"
            copies[id(layer)] = layer, type(layer).from_config(config)
        return copies[id(layer)][1]

    def call(owner: keras.Model, operation: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(operation, keras.Model):
            return run(operation, args[0])
        if is_augmentation(operation) or _keeps_size(operation, args[0]):
            return args[0]
        if isinstance(operation, keras.layers.Layer):
            kwargs.pop("training", None)
            return copied(operation, owner)(*args, **kwargs)
        return named(operation, owner)(*args, **kwargs)

    def named(operation: Any, owner: keras.Model) -> Any:
        """An operation without weights, such as x + y: itself, or one like it where its name is taken."""
        if owner is model:
            return operation
        if id(operation) not in renamed:
            name = free_name(operation.name, taken, owner.name)
            taken.add(name)
            renamed[id(operation)] = operation if name == operation.name else _like(operation, name)
        return renamed[id(operation)]

    def run(part: keras.Model, inputs: Any) -> Any:
        operation_fn = functools.partial(functools.partial, call, part)
        return _graph(part)._run_through_graph(inputs, operation_fn=operation_fn)

    inputs = keras.Input(batch_shape=model.inputs[0].shape, dtype=model.inputs[0].dtype)
    flat = keras.Model(inputs, run(model, inputs), name=model.name)
    for original, copy in copies.values():
        copy.set_weights(original.get_weights())
    return flat


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
