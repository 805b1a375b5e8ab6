"""The methods: each a row here and a file beside it, which has `prepare`."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgecnn.arrays import Pixels

    from ..runtime.loaded_model import LoadedModel
    from ..runtime.tensor_spec import TensorSpec

    HeatMap = npt.NDArray[np.float32]

# The probability of the class that is explained, for prepared pixels, uint8 (height, width, channels).
Ask = Callable[["Pixels"], float]


class HeatMapper(Protocol):
    """A method, made ready for one network.

    Attributes:
        invokes: how often it runs the network for an image that was run just before.
        reads: the outputs that it reads beside the scores, of the image itself.
    """

    invokes: int
    reads: "tuple[TensorSpec, ...]"

    def heat_map(self, pixels: "Pixels", index: int, ask: Ask) -> "HeatMap":
        """How much each pixel speaks for a class: float32 (height, width).

        Args:
            pixels: prepared, uint8 (height, width, channels).
            index: the class.
            ask: runs the network.
        """
        ...


class Method(NamedTuple):
    """A row.

    Attributes:
        summary: what it does and what it costs, in words.
        unit: of its heat map, for the colour bar.
    """

    summary: str
    unit: str


METHODS = {
    "occlusion": Method("cover window after window, black and grey", "fall of the probability when covered"),
    "rise": Method("cover at random, a thousand times, slow and smooth", "mean probability when shown"),
    "cam": Method(
        "read the weights of the class, exact, where a network averages its last feature map", "added to the score"
    ),
}
DEFAULT = next(iter(METHODS))


def prepare(method: str, loaded: "LoadedModel") -> HeatMapper:
    """Make a method of `METHODS` ready for a network.

    Raises:
        ModelFileError: the method cannot explain this network.
    """
    module = importlib.import_module(f".{method}", __package__)
    mapper: HeatMapper = module.prepare(loaded)
    return mapper
