"""Which outputs of a model are feature maps, and what shape they have."""

from edgecnn.arrays import Array

from .runtime.loaded_model import LoadedModel
from .runtime.tensor_spec import TensorSpec


def map_tensors(loaded: LoadedModel) -> list[TensorSpec]:
    """The outputs that the card names, in network order; of what another tool made, those of four dimensions."""
    outputs, card = loaded.session.outputs, loaded.card
    if card and loaded.is_exported:
        return [outputs[layer.name] for layer in card.feature_maps if layer.name in outputs]
    return [outputs[name] for name in sorted(outputs) if len(outputs[name].shape) == 4]


def as_map(values: Array) -> Array:
    """(height, width, channels) out of what a layer gave; a global pooling's (channels,) is one position."""
    return values.reshape((1,) * (3 - values.ndim) + values.shape)
