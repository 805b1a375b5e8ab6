"""Load a .keras file, or say in one line why not."""

from pathlib import Path

import keras

from edgecnn.errors import ModelFileError
from edgecnn.keras_file import loading_keras
from edgecnn.model_file.card import PROBABILITIES, ModelCard
from edgecnn.native_output import captured_stderr

from .feature_maps import has_map
from .flattening import flatten


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference; a model inside it becomes part of one flat graph, see `flatten`.

    Raises:
        ModelFileError: missing, damaged, or not one image in and class scores out.
    """
    if not path.is_file():
        raise ModelFileError(f"no Keras model at {path}; train one with edgecnn train")
    with loading_keras(str(path), "train it again"), captured_stderr():
        model = keras.models.load_model(path, compile=False)
    _require_classifier(model, path)
    model = flatten(model)
    if PROBABILITIES in {layer.name for layer in model.layers if has_map(layer)}:
        raise ModelFileError(f"{path} has a layer called {PROBABILITIES!r}, the name of edgecnn's output; rename it")
    return model


def _require_classifier(model: keras.Model, path: Path) -> None:
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


def require_card_of(model: keras.Model, card: ModelCard, path: Path) -> None:
    """Make sure that card and model are of one another.

    Raises:
        ModelFileError: another input shape or number of classes.
    """
    shapes = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1]
    if shapes != (card.input.shape, len(card.labels)):
        raise ModelFileError(
            f"{path}: the card beside it says {card.input.shape} to {len(card.labels)} classes, the model takes "
            f"{shapes[0]} to {shapes[1]}; train it again"
        )
