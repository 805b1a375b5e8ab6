"""The file's own weights in float arithmetic: what they are wrong in, no wider type would cure."""

from dataclasses import dataclass

import numpy as np

from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.input_spec import InputSpec

from ..network.keras_network import KerasNetwork
from ..network.pixels_in import fed_with_pixels
from ..pair import Pair
from ..tflite.export import to_flatbuffer
from ..tflite.kernels import read_kernels, with_constants
from ..tflite.prune_outputs import keep_output
from .weights import WeightFault, comparable, compare_weights, layer_names


@dataclass(frozen=True)
class Dequantized:
    """A file's weights.

    Attributes:
        files: the network in float32 TFLite with the file's weights times their scales.
        faults: the layers whose weights are not Keras', in network order.
    """

    files: Pair[PackedModel]
    faults: tuple[WeightFault, ...]


def in_float32(network: KerasNetwork) -> Pair[PackedModel]:
    """The network in float32 TFLite, which has no file."""
    nothing = np.empty((0, *network.card.input.shape), np.float32)
    with_maps = to_flatbuffer(network.with_maps, "float32", nothing)
    flatbuffers = Pair(keep_output(with_maps, PROBABILITIES), with_maps)
    return flatbuffers.map(lambda flatbuffer: PackedModel("the float32 model", flatbuffer, None, None))


def dequantized(network: KerasNetwork, float32: Pair[PackedModel], packed: Pair[PackedModel]) -> Dequantized | None:
    """Compare the weights of a file with Keras', and put them into the float32 model.

    Args:
        network: Keras.
        float32: the same network in float32 TFLite.
        packed: the file and its activations variant.

    Returns:
        None where the file has other operators than the float32 model, e.g. after a compiler.
    """
    if packed.plain.card and _takes_pixels(packed.plain.card.input) and not _takes_pixels(network.card.input):
        network = fed_with_pixels(network)
        float32 = in_float32(network)
    expected, found = read_kernels(float32.plain.flatbuffer), read_kernels(packed.plain.flatbuffer)
    if not comparable(expected, found):
        return None
    faults = compare_weights(expected, found, layer_names(network.model, expected))

    def with_weights(model: PackedModel) -> PackedModel:
        flatbuffer = with_constants(model.flatbuffer, read_kernels(model.flatbuffer), found)
        return PackedModel("the file's weights in float32", flatbuffer, None, None)

    return Dequantized(float32.map(with_weights), faults)


def _takes_pixels(spec: InputSpec) -> bool:
    return set(spec.scale) == {1.0} and set(spec.offset) == {0.0}
