"""The activations variant of a fresh conversion: the same network as the plain model, and how far its maps are off."""

from collections.abc import Iterable

import numpy as np

from edgecnn.arrays import Pixels
from edgecnn.device.runtime.runner import Runner
from edgecnn.errors import EdgecnnError
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.pixels.input_spec import InputSpec

from ..result import LayerParity
from .keras_maps import Batch, MapRun, layer_sqnr_db


def variant_layers(
    plain: Runner, variant: Runner, batches: Iterable[Batch], spec: InputSpec
) -> tuple[LayerParity, ...]:
    """How far the feature maps of a variant are from Keras'.

    Args:
        plain: the model that gives probabilities alone.
        variant: the same graph, with the same constants: on these images that is seen to hold to the bit.
        batches: images with their maps in Keras, as `KerasNetwork.maps_of` gives them.
        spec: how images are prepared for both.

    Raises:
        EdgecnnError: their probabilities are not equal.
    """
    gather, outputs = plain.gather(spec), [(each, each.outputs[PROBABILITIES]) for each in (plain, variant)]

    def require_equal(pixels: Pixels) -> None:
        plain.run(gather(pixels))
        first, second = (each.output(tensor) for each, tensor in outputs)
        if not np.array_equal(first, second):
            raise EdgecnnError(
                "the activations variant gives other probabilities than the plain model, so its feature maps would be "
                "of another network; nothing was written, use --no-activations and report this model"
            )

    figures = layer_sqnr_db(batches, MapRun(variant, spec, require_equal))
    return tuple(LayerParity(name, sqnr_db) for name, sqnr_db in figures.items())
