"""Class activation maps: what each place of the last feature map adds to the score of a class, exactly.

B. Zhou et al., "Learning Deep Features for Discriminative Localization" (CVPR 2016). Where a network averages its last
feature map and a dense layer follows, the score of a class before the softmax is the average over places of
`sum over channels of weight * map`, plus a bias: that sum is the map of the class.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from edgecnn.arrays import Pixels
from edgecnn.errors import ModelFileError
from edgecnn.model_file.tflite_constants import pooling_window, read_constant
from edgecnn.model_file.tflite_graph import CASTS, Graph, GraphOperator, read_graph

from ..runtime.loaded_model import LoadedModel
from ..runtime.tensor_spec import TensorSpec
from .methods import Ask

_OTHER = "explain with --method occlusion, which takes every network"
_SAME_VALUES = (*CASTS, "RESHAPE", "SQUEEZE")
_NORMALIZES = ("SOFTMAX", "LOGISTIC")
_WITH_MAP = ("AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")
_DENSE = ("FULLY_CONNECTED", "CONV_2D")


@dataclass(frozen=True)
class Head:
    """How a network ends.

    Attributes:
        features: number of the tensor that is averaged, (1, height, width, channels).
        weights: of the dense layer, float32 (classes, channels).
    """

    features: int
    weights: npt.NDArray[np.float32]


class Cam:
    """Reads the last feature map and weighs it; see `Head`."""

    invokes = 0

    def __init__(self, loaded: LoadedModel, tensor: TensorSpec, weights: npt.NDArray[np.float32]) -> None:
        """For a network whose output `tensor` is averaged and then weighed with `weights`."""
        self._session, self._tensor, self._weights = loaded.session, tensor, weights
        self.reads: tuple[TensorSpec, ...] = (tensor,)
        self._size = (loaded.input.width, loaded.input.height)
        self._gather = self._session.gather(loaded.input)

    def heat_map(self, pixels: Pixels, index: int, ask: Ask) -> npt.NDArray[np.float32]:
        """The map of the class, enlarged to float32 (height, width); see `HeatMapper`."""
        heat = self.class_map(pixels, index)
        return np.array(Image.fromarray(heat).resize(self._size, Image.Resampling.BILINEAR), np.float32)

    def class_map(self, pixels: Pixels, index: int) -> npt.NDArray[np.float32]:
        """The map of the class in its own size: its mean, plus the bias, is the score before the softmax."""
        (raw,) = self._session.outputs_of(pixels, self._gather, [self._tensor])
        return np.ascontiguousarray(self._tensor.dequantize(raw) @ self._weights[index], np.float32)


def prepare(loaded: LoadedModel) -> Cam:
    """For a network that ends in global average pooling and a dense layer, in its activations variant.

    Raises:
        ModelFileError: it ends otherwise, or the file does not give its last feature map.
    """
    name, data = loaded.packed.name, loaded.packed.flatbuffer
    graph = read_graph(data, name)
    head = find_head(data, graph, loaded.probabilities.index, name)
    source = _same_values(graph, head.features)
    for tensor in loaded.session.outputs.values():
        if len(tensor.shape) == 4 and _same_values(graph, tensor.index) == source:
            return Cam(loaded, tensor, _of_both(head.weights) if len(head.weights) == 1 else head.weights)
    raise ModelFileError(
        f"cam needs the feature map that {name} averages, which the file does not give; "
        f"{_what_helps(graph, source, loaded)}{_OTHER}"
    )


def _what_helps(graph: Graph, source: int, loaded: LoadedModel) -> str:
    """Where to get the map that is averaged: a file of `edgecnn convert` has those of convolutions and poolings."""
    place, is_converted = _makers(graph).get(source), loaded.card is not None and loaded.card.is_exported
    if not is_converted or place is None or graph.operators[place].name not in _WITH_MAP:
        return ""
    if any(len(tensor.shape) == 4 for tensor in loaded.session.outputs.values()):
        return "convert it again with that layer among --feature-layers, or "
    return "take its activations variant, or "


def find_head(data: bytes, graph: Graph, scores: int, name: str) -> Head:
    """How the network of a file ends.

    Args:
        data: the .tflite file.
        graph: the same, as `read_graph` reads it.
        scores: number of the tensor with the class scores.
        name: of the file, for messages.

    Raises:
        ModelFileError: not in global average pooling and a dense layer, or the file is damaged.
    """
    makers = _makers(graph)
    place = makers.get(_same_values(graph, scores))
    if place is not None and graph.operators[place].name in _NORMALIZES:
        place = makers.get(_same_values(graph, graph.operators[place].inputs[0]))
    dense = graph.operators[place] if place is not None else None
    if dense is None or dense.name not in _DENSE or len(dense.inputs) < 2:
        raise _refusal(name, dense)
    weights_at = _same_values(graph, dense.inputs[1])
    if not graph.tensors[weights_at].is_constant or 0 in (graph.tensors[weights_at].shape or (0,)):
        raise _refusal(name, dense)
    weights = read_constant(data, weights_at, graph.tensors[weights_at], name)
    weights = weights.reshape(weights.shape[0], weights[0].size)
    place = makers.get(_same_values(graph, dense.inputs[0]))
    if place is None or not _averages_all(data, graph, place, name):
        raise _refusal(name, graph.operators[place] if place is not None else None)
    features = graph.operators[place].inputs[0]
    if graph.tensors[features].shape[-1] != weights.shape[1]:
        raise _refusal(name, dense)
    return Head(features, weights)


def _refusal(name: str, found: GraphOperator | None) -> ModelFileError:
    ends = f"; {found.name} stands there" if found else ""
    return ModelFileError(
        f"cam is for networks that end in global average pooling and one dense layer; {name} does not{ends}; {_OTHER}"
    )


def _makers(graph: Graph) -> dict[int, int]:
    """The number of the operator that makes each tensor."""
    return {made: number for number, one in enumerate(graph.operators) for made in one.outputs}


def _same_values(graph: Graph, tensor: int) -> int:
    """The tensor whose values `tensor` has, in another type or shape."""
    makers, seen = _makers(graph), set[int]()
    while tensor in makers and tensor not in seen:
        seen.add(tensor)
        operator = graph.operators[makers[tensor]]
        if operator.name not in _SAME_VALUES or not operator.inputs:
            break
        tensor = operator.inputs[0]
    return tensor


def _averages_all(data: bytes, graph: Graph, place: int, name: str) -> bool:
    """Whether an operator averages over all places of a feature map."""
    operator = graph.operators[place]
    shape = graph.tensors[operator.inputs[0]].shape
    if len(shape) != 4:
        return False
    if operator.name == "AVERAGE_POOL_2D":
        return pooling_window(data, place, name) == shape[1:3]
    if operator.name != "MEAN" or len(operator.inputs) < 2:
        return False
    axes = graph.tensors[operator.inputs[1]]
    if not axes.is_constant:
        return False
    return sorted(read_constant(data, operator.inputs[1], axes, name).ravel() % 4) == [1, 2]


def _of_both(weights: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of one score, which speaks for the second class, the weights of two classes."""
    return np.concatenate([-weights, weights])
