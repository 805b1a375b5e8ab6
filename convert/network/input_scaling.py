"""What a network does to its input before the first convolution."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from .feature_maps import graph_nodes

Array = npt.NDArray[np.float64]
_VALUES = (0.0, 255.0, 1.0, 128.0)


@dataclass(frozen=True)
class InputScaling:
    """What stands before the first convolution: `value * scale + offset`, one of each a channel.

    Attributes:
        layers: names of what does it, in order.
        mean: of the network's input, as a layer that normalises by it has learned; empty where there is none.
        deviation: likewise.
        is_reversed: whether it turns red, green, blue into blue, green, red.
    """

    layers: tuple[str, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    is_reversed: bool = False

    def words(self) -> str:
        """What was read, as the beginning of a sentence."""
        names, s = " and ".join(self.layers), "" if len(self.layers) > 1 else "s"
        if self.mean:
            return f"{names} expect{s} values of mean {numbers(self.mean)} and deviation {numbers(self.deviation)}"
        offset = numbers(self.offset)
        added = (
            "" if offset == "0" else f" - {offset[1:]}" if offset[0] == "-" and "," not in offset else f" + {offset}"
        )
        return f"before the first convolution, {names} make{s} value * {numbers(self.scale)}{added} of it"


def read_scaling(network: keras.Model) -> InputScaling | None:
    """Read it by feeding images of one colour; None where nothing is done, or not the same to every value.

    Args:
        network: one flat graph, from images (batch, height, width, channels).
    """
    nodes = list(_front(network))
    if not nodes:
        return None
    height, width, channels = network.inputs[0].shape[1:]
    colours = np.concatenate([np.outer(_VALUES, np.ones(channels)), 255 * np.eye(channels)])
    images = np.broadcast_to(colours[:, None, None], (len(colours), height, width, channels)).astype(np.float32)
    outputs = keras.Model(network.inputs, [node.outputs[0] for node in nodes]).predict_on_batch(images)
    before = colours
    found = InputScaling((), (1.0,) * channels, (0.0,) * channels)
    for node, output in zip(nodes, outputs if len(nodes) > 1 else [outputs], strict=True):
        values = _middle(np.asarray(output, np.float64))
        line = _line(values)
        if line is None or values.shape[1] != channels:
            break
        statistics = _statistics(node.operation, _line(before))
        changes = statistics or not np.allclose(values, before, atol=1e-6)
        mean, deviation = statistics or (found.mean, found.deviation)
        found = InputScaling(
            (*found.layers, node.operation.name) if changes else found.layers, *line, mean, deviation, _reverses(values)
        )
        before = values
    return found if found.layers else None


def _front(network: keras.Model) -> Iterator[Any]:
    """The nodes before the first convolution, or what else has a kernel, through each of which everything passes."""
    nodes = graph_nodes(network)
    uses = Counter(id(source) for node in nodes for source in node.input_tensors)
    open_ends = {id(network.inputs[0])}
    for node in nodes:
        if not open_ends.intersection(map(id, node.input_tensors)) or not _is_pointwise(node):
            return
        for source in node.input_tensors:
            uses[id(source)] -= 1
            if not uses[id(source)]:
                open_ends.discard(id(source))
        open_ends.add(id(node.outputs[0]))
        if len(open_ends) == 1:
            yield node


def _is_pointwise(node: Any) -> bool:
    layer = node.operation
    if len(node.outputs) != 1 or len(node.outputs[0].shape) not in (3, 4):
        return False
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return tuple(layer.kernel_size) == (1, 1) and layer.depth_multiplier == 1
    return not hasattr(layer, "kernel") and not hasattr(layer, "pool_size")


def _middle(values: Array) -> Array:
    """The pixel in the middle of each image, (images, channels): padding does not reach it."""
    values = values if values.ndim == 4 else values[..., None]
    return values[:, values.shape[1] // 2, values.shape[2] // 2]


def _line(values: Array) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Scale and offset of every channel of what became of the colours; None where that is not all that is done."""
    if not np.isfinite(values).all():  # it divides by what there is in the image
        return None
    nothing, full, one, half = values[:4]
    scale = (full - nothing) / 255
    expected = np.stack([nothing + scale, nothing + 128 * scale])
    if (scale == 0).any() or not np.allclose(
        [one, half], expected, rtol=1e-3, atol=1e-3 * np.abs(full - nothing).max()
    ):
        return None
    moved = np.abs(values[len(_VALUES) :] - nothing) > 1e-3 * np.abs(full - nothing)
    if not ((moved.sum(axis=0) == 1).all() and (moved.sum(axis=1) == 1).all()):
        return None  # channels are mixed
    return tuple(map(float, scale)), tuple(map(float, nothing))


def _reverses(values: Array) -> bool:
    """Whether the first channel of the images becomes the last one, and the last the first."""
    moved = np.abs(values[len(_VALUES) :] - values[0])
    return len(moved) == 3 and [int(row.argmax()) for row in moved] == [2, 1, 0]


def _statistics(layer: Any, line: Any) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation of the network's input that a layer has learned; `line` is what is done before the layer."""
    if isinstance(layer, keras.layers.BatchNormalization):
        mean, variance = layer.moving_mean, layer.moving_variance
    elif isinstance(layer, keras.layers.Normalization) and not layer.invert:
        mean, variance = layer.mean, layer.variance
    else:
        return None
    means, variances = (np.asarray(values, np.float64).ravel() for values in (mean, variance))
    if line is None or (np.allclose(means, 0) and np.allclose(variances, 1)):
        return None  # it has learned nothing
    scale, offset = np.array(line[0]), np.array(line[1])
    expected = np.broadcast_to((means - offset) / scale, scale.shape)
    deviation = np.broadcast_to(np.sqrt(variances) / np.abs(scale), scale.shape)
    return tuple(map(float, expected)), tuple(map(float, deviation))


def numbers(values: Sequence[float]) -> str:
    """One a channel, or one for all."""
    distinct = values[:1] if len(set(values)) == 1 else values
    return ", ".join(f"{value:.4g}" for value in distinct)
