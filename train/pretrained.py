"""Networks with weights that were trained before: of keras.applications, or from a file."""

import contextlib
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import keras

from edgecnn.errors import EdgecnnError, InputError, ModelFileError
from edgecnn.keras_file import loading_keras

from .backbones import Backbone, find_backbone
from .starting_weights import IMAGENET, require_weights

Shape = tuple[int, int, int]


def build_backbone(backbone: Backbone, width: float | None, shape: Shape, classes: int) -> keras.Model:
    """The backbone with random weights, the mean over all positions, and a Dense layer with softmax."""
    body = _build_body(backbone, width, shape)
    layer = keras.layers.Dense(classes, activation="softmax", name="scores", dtype="float32")
    return keras.Model(body.inputs[0], layer(body.outputs[0]), name=backbone.name)


def body_of(network: keras.Model) -> keras.Model:
    """All of `network` but its last layer, with which it shares the weights.

    Raises:
        InputError: the last layer is no Dense layer with softmax on (batch, features).
    """
    last = network.layers[-1]
    if not isinstance(last, keras.layers.Dense) or last.activation is not keras.activations.softmax:
        raise InputError(
            f"pretrained weights are for a network that ends in a Dense layer with softmax. Received: {last.name}, a "
            f"{type(last).__name__} layer"
        )
    features = last.input
    if len(network.layers) < 2 or len(features.shape) != 2:
        raise InputError("pretrained weights are for a network with layers before its last, one of features (batch, n)")
    return keras.Model(network.inputs[0], features)


def load_pretrained(network: keras.Model, architecture: str, weights: str) -> None:
    """Give all layers of `network` but the last the weights that `weights` names.

    Args:
        network: of `architecture`.
        architecture: see `edgecnn.train.architectures.find_builder`.
        weights: `imagenet`; or a file: .keras of any number of classes, .weights.h5 of the network without its last
            layer, or .h5 as keras.applications has them, without the top.

    Raises:
        EdgecnnError: ImageNet's weights cannot be downloaded.
        ModelFileError: the file is missing, damaged, or of another architecture.
        InputError: the network does not end in a Dense layer with softmax.
    """
    body, found = body_of(network), find_backbone(architecture)
    shape = tuple(body.inputs[0].shape[1:])
    if weights == IMAGENET and found:
        with _downloading(found.row.name):
            source = _build_body(found.row, found.width, shape, IMAGENET)
        body.set_weights(source.get_weights())
        return
    file = Path(weights)
    require_weights(file)
    advice = f"give weights of {architecture} without its last layer, or the .keras file of such a network"
    with loading_keras(f"{file}, as weights of {architecture},", advice), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Skipping nested container")  # an error follows, which counts
        if file.suffix == ".keras":
            _copy(body_of(keras.models.load_model(file, compile=False)), body, file, architecture)
        elif found and not file.name.endswith(".weights.h5"):
            _copy(_build_body(found.row, found.width, shape, str(file)), body, file, architecture)
        else:
            body.load_weights(str(file))


def _copy(source: keras.Model, target: keras.Model, file: Path, architecture: str) -> None:
    theirs, ours = ([tuple(weight.shape) for weight in model.weights] for model in (source, target))
    if theirs != ours:
        raise ModelFileError(
            f"{file} holds the weights of another network: {len(theirs)} arrays of "
            f"{sum(weight.size for weight in source.get_weights()):,} numbers, where {architecture} has {len(ours)} of "
            f"{sum(weight.size for weight in target.get_weights()):,}; give weights of {architecture}"
        )
    target.set_weights(source.get_weights())


def _build_body(backbone: Backbone, width: float | None, shape: Shape, weights: str | None = None) -> keras.Model:
    """The layers of keras.applications up to the mean over all positions, without those that prepare pixels."""
    image = keras.Input(shape, name="image")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*input_shape. is undefined or non-square")  # of any size: it fits
        whole = getattr(keras.applications, backbone.builder)(
            include_top=False,
            weights=weights,
            input_tensor=image,
            **({} if width is None else {"alpha": width}),
        )
    preparing = (keras.layers.Rescaling, keras.layers.Normalization)

    def call(layer: keras.layers.Layer, *arguments: keras.KerasTensor, **keywords: object) -> keras.KerasTensor:
        return arguments[0] if isinstance(layer, preparing) else layer(*arguments, **keywords)

    maps = keras.models.clone_model(whole, clone_function=lambda layer: layer, call_function=call)
    # Keras' own would be called after how many there have been, and this is the name of a feature map.
    return keras.Model(maps.inputs[0], keras.layers.GlobalAveragePooling2D(name="average")(maps.outputs[0]))


@contextlib.contextmanager
def _downloading(name: str) -> Iterator[None]:
    """Say in a sentence what to do where Keras cannot download the weights of `name`.

    Raises:
        EdgecnnError: the block failed to.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where Keras says what it downloads
            yield
    except Exception as error:  # Keras raises a bare one
        address = re.search(r"https?://\S+?(?=:? |:?$)", str(error))
        if address is None:
            raise
        url, reason = address[0].rstrip(":"), str(error).partition(address[0])[2].strip(": ").removeprefix("None -- ")
        home = Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "models"
        raise EdgecnnError(
            f"the ImageNet weights of {name} cannot be downloaded ({reason}); download {url} elsewhere and put it into "
            f"{home}, or give a file with --weights FILE, or start without with --weights none"
        ) from None
