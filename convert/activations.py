"""The activation model: the same network, with every feature map as a further output."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.card import PROBABILITIES, FeatureMap, InputSpec, ModelCard
from edgecnn.dataset import Images
from edgecnn.errors import ModelFileError
from edgecnn.extras import DAMAGED_FILE
from edgecnn.preprocessing import apply_table, input_table
from edgecnn.quiet import captured_stderr

# Ends of the names of layer classes: Conv2D, DepthwiseConv2D, SeparableConv2D, MaxPooling2D, AveragePooling2D.
_MAPPED = ("Conv2D", "MaxPooling2D", "AveragePooling2D")
_BATCH = 500


def load_keras(path: Path) -> keras.Model:
    """Load a .keras file for inference.

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
    if PROBABILITIES in {layer.name for layer in feature_layers(model)}:
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


def feature_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The convolution and pooling layers of `model`, in network order."""
    return [layer for layer in model.layers if type(layer).__name__.endswith(_MAPPED) and len(layer.output.shape) == 4]


def _folded_output(layer: keras.layers.Layer) -> keras.KerasTensor:
    """What `layer` gives after the batch normalisation and ReLU that a converter folds into it.

    An output between them would keep them apart, and the activations variant would be another network.
    """
    while len(layer._outbound_nodes) == 1:
        following = layer._outbound_nodes[0].operation
        if not _is_folded(following):
            break
        layer = following
    return layer.output


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


def feature_maps(model: keras.Model) -> tuple[FeatureMap, ...]:
    """Name, class and shape (height, width, channels) of every feature map, in network order."""
    return tuple(
        FeatureMap(layer.name, type(layer).__name__, tuple(int(size) for size in layer.output.shape[1:]))
        for layer in feature_layers(model)
    )


def with_named_outputs(model: keras.Model, activations: bool) -> keras.Model:
    """`model` with its output called `probabilities` and, for the activations variant, each feature map by layer name.

    Returns:
        A model that shares the layers of `model` and returns a dict; the names become those of the TFLite signature.
    """
    outputs = {PROBABILITIES: model.outputs[0]}
    if activations:
        outputs.update({layer.name: _folded_output(layer) for layer in feature_layers(model)})
    return keras.Model(model.inputs, outputs, name="classifier")  # a fixed name: the same file every time
