"""Which outputs of a model are feature maps, what shape they have, and which file has them where a model has none."""

from pathlib import Path
from typing import Literal, NamedTuple

from edgecnn.arrays import Array
from edgecnn.errors import ModelFileError
from edgecnn.model_file.bundled import bundled_models
from edgecnn.model_file.container import read_model

from .runtime.loaded_model import LoadedModel
from .runtime.tensor_spec import TensorSpec


def map_tensors(loaded: LoadedModel) -> list[TensorSpec]:
    """The outputs that the card names, in network order; of what another tool made, those of four dimensions."""
    outputs, card = loaded.session.outputs, loaded.card
    if card and card.is_exported:
        return [outputs[layer.name] for layer in card.feature_maps if layer.name in outputs]
    return [outputs[name] for name in sorted(outputs) if len(outputs[name].shape) == 4]


def as_map(values: Array) -> Array:
    """(height, width, channels) out of what a layer gave; a global pooling's (channels,) is one position."""
    return values.reshape((1,) * (3 - values.ndim) + values.shape)


class MapsElsewhere(NamedTuple):
    """Where the feature maps are that a model does not give.

    Attributes:
        place: `nowhere`, where the network has no layers for them; `here`, in its activations variant, which is there;
            `other`, where that is of another network; `unwritten`, where edgecnn convert writes it; `keras`, where
            another tool made the file, so that only the Keras model has them.
        variant: what the activations variant is called; empty where that is not known.
    """

    place: Literal["nowhere", "here", "other", "unwritten", "keras"]
    variant: str = ""


def where_maps_are(model: str, loaded: LoadedModel) -> MapsElsewhere:
    """Where the feature maps of a network are, of which the file or bundled model `model` gives none."""
    if loaded.card and loaded.card.is_exported and not loaded.card.feature_maps:
        return MapsElsewhere("nowhere")
    variant, is_there = _variant_of(model)
    if _is_of_another_network(variant, loaded):
        return MapsElsewhere("other", variant)
    if is_there:
        return MapsElsewhere("here", variant)
    if not (loaded.card and loaded.card.is_exported):
        return MapsElsewhere("keras")
    return MapsElsewhere("unwritten", variant if Path(variant).suffix == ".tflite" else "")


def _variant_of(model: str) -> tuple[str, bool]:
    """What the activations variant of a bundled model, or of a file, is called, and whether it is there."""
    path = Path(model)
    if not path.is_file() and model in bundled_models():
        return f"{model}.activations", f"{model}.activations" in bundled_models()
    beside = path.with_name(f"{path.stem}.activations{path.suffix}")
    return str(beside), beside.is_file()


def _is_of_another_network(variant: str, loaded: LoadedModel) -> bool:
    """Whether the file `variant` says that it is of another network than a loaded model."""
    try:
        card = read_model(variant).card if Path(variant).is_file() else None
    except ModelFileError:
        return False
    if card is None or loaded.card is None:
        return False
    return card.provenance.parent_sha256 != loaded.card.provenance.parent_sha256
