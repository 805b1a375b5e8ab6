"""Feature maps as they come out of the network, one byte a value: for whoever draws many of them."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from edgecnn.arrays import Array, Pixels

from .map_tensors import as_map, map_tensors
from .runtime.audit import Audit
from .runtime.loaded_model import LoadedModel
from .runtime.tensor_spec import TensorSpec


@dataclass(frozen=True)
class RawMap:
    """The feature maps of one layer: `value = scale * (values - zero)`.

    Attributes:
        name: of the layer.
        values: uint8, (height, width, channels); (1, 1, channels) of a global pooling.
        scale: real units per step, above 0.
        zero: the value that stands for 0.0; of a network in floats it need not be whole.
        is_exact: whether the network itself has no more than these 256 values; a network in floats or 16 bits has.
    """

    name: str
    values: Pixels
    scale: float
    zero: float
    is_exact: bool


class MapReader:
    """Reads feature maps of the image that a loaded model was run on last.

    Attributes:
        layers: names of the maps that it gives, in network order; empty for a plain model.
    """

    def __init__(self, loaded: LoadedModel, audit: Audit | None = None) -> None:
        """Of a loaded model; `audit` is shown the images and maps that are read."""
        self._tensors = {tensor.name: tensor for tensor in map_tensors(loaded)}
        self.layers: tuple[str, ...] = tuple(self._tensors)
        self._session, self._gather = loaded.session, loaded.session.gather(loaded.input)
        self._scores, self._audit = loaded.probabilities, audit

    def read(self, pixels: Pixels, names: Collection[str]) -> dict[str, RawMap]:
        """The maps of the layers `names` for prepared pixels, uint8 (height, width, channels).

        The network is run only if its last image was another. Names of no layer are passed over.

        Raises:
            ContradictionError: the audit finds that the delegate lies.
        """
        tensors = [tensor for name, tensor in self._tensors.items() if name in names]
        if not tensors:
            return {}
        *raw, scores = self._session.outputs_of(pixels, self._gather, [*tensors, self._scores])
        if self._audit is not None:
            self._audit.look(pixels, scores, list(zip(tensors, raw, strict=True)))
        return {one.name: _to_bytes(one, values) for one, values in zip(tensors, raw, strict=True)}


def _to_bytes(tensor: TensorSpec, values: Array) -> RawMap:
    shaped = as_map(values)
    if values.dtype == np.uint8:
        return RawMap(tensor.name, shaped, tensor.scale, tensor.zero_point, True)
    if values.dtype == np.int8:
        return RawMap(tensor.name, shaped.view(np.uint8) ^ np.uint8(128), tensor.scale, tensor.zero_point + 128, True)
    real = tensor.dequantize(shaped)
    low, high = min(float(real.min()), 0.0), max(float(real.max()), 0.0)
    step = (high - low) / 255 or 1.0
    return RawMap(tensor.name, np.rint((real - low) / step).astype(np.uint8), step, -low / step, False)
