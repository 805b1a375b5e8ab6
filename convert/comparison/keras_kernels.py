"""The Keras layers that a flatbuffer's convolutions and dense layers came from."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from ..network.feature_maps import LayerUse, layer_uses
from ..tflite.kernels import Kernel
from .likeness import ALIKE, cosines, rows

Array = npt.NDArray[np.floating]

_SAME = 1 - 1e-9  # cosine: no other layer is nearer


def layer_names(model: keras.Model, kernels: Sequence[Kernel]) -> tuple[str, ...]:
    """The Keras layer that each operator with weights came from: that whose channels point in the same directions."""
    owned = [(own.name_in(use), own) for use in layer_uses(model) for own in _keras_kernels(use.layer)]
    names = []
    for position, kernel in enumerate(kernels):
        own, best, found = rows(kernel.weights.values), 0.0, 0
        for place, (_, candidate) in enumerate(owned):
            if candidate.shape != own.shape:
                continue
            alike = float(np.abs(cosines(own, candidate.matrix())).mean())
            if alike > best:  # of equal ones, as of a layer that is used twice, the first
                best, found = alike, place
            if alike > _SAME:
                break
        names.append(owned.pop(found)[0] if best > ALIKE else f"operator {position} ({kernel.operator})")
    return tuple(names)


@dataclass(frozen=True)
class _KerasKernel:
    """A kernel of a layer, as a matrix (channels, values of one channel in the order of TFLite)."""

    variable: Any
    kind: Literal["", "depthwise", "transposed", "heads"]

    def name_in(self, use: LayerUse) -> str:
        """Of the layer; of a part of one with several, such as an attention, with what the part is called."""
        if isinstance(use.layer, keras.layers.MultiHeadAttention):
            return "/".join([use.name, *self.variable.path.split("/")[1:-1]])
        is_first = self.kind == "depthwise" and not isinstance(use.layer, keras.layers.DepthwiseConv2D)
        return f"{use.name}/depthwise" if is_first else use.name

    @property
    def shape(self) -> tuple[int, int]:
        """Of the matrix."""
        sizes = [int(size) for size in self.variable.shape]
        several = {"depthwise": math.prod(sizes[2:]), "transposed": sizes[-2], "heads": math.prod(sizes[1:])}
        channels = several.get(self.kind, sizes[-1])
        return channels, math.prod(sizes) // channels

    def matrix(self) -> Array:
        """float64; a copy, for the variables of a large network are not wanted all at once."""
        values = np.asarray(self.variable, np.float64)
        # (height, width, inputs, multiplier), or (inputs, heads, channels of one head)
        if self.kind in ("depthwise", "heads"):
            return values.reshape(-1, self.shape[0]).T
        if self.kind == "transposed":  # (height, width, channels, inputs)
            values = values.swapaxes(-1, -2)
        return values.transpose(-1, *range(values.ndim - 1)).reshape(self.shape)  # (..., inputs, channels)


def _keras_kernels(layer: keras.Operation) -> Iterator[_KerasKernel]:
    for variable in getattr(layer, "weights", ()):  # an operation such as x + y has none
        if len(variable.shape) not in (2, 3, 4) or not math.prod(variable.shape):
            continue
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D) or variable.name == "depthwise_kernel"
        if len(variable.shape) < 4:
            yield _KerasKernel(variable, "")
            if len(variable.shape) == 3:  # of an attention, either its inputs or its outputs are those of several heads
                yield _KerasKernel(variable, "heads")
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            yield _KerasKernel(variable, "transposed")
        else:
            yield _KerasKernel(variable, "depthwise" if is_depthwise else "")
