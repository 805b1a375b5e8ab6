"""From which layer on a network makes the same of every image: what is lost there no other layer can bring back."""

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.sanity import Suspicion

from ..network.feature_maps import LayerUse, layer_uses
from ..network.keras_network import KerasNetwork

NO_WEIGHTS = "all its weights are zero"
_SAME = 1e-6  # of the largest value: float32 arithmetic
_FEW = 8  # images, all of whose values are in memory at once


def constant_values(network: KerasNetwork, images: Pixels) -> tuple[Suspicion, ...]:
    """Say which is the first layer behind which nothing depends on the image, where there is one.

    Args:
        network: whose layers.
        images: uint8 (count, height, width, channels), of which a few are run.
    """
    few = images[:_FEW]
    if not np.ptp(few, axis=0).any():
        return ()
    uses = layer_uses(network.model)
    outputs = keras.Model(network.model.inputs, [use.output for use in uses]).predict_on_batch(network.fed(few))
    values = [np.asarray(each, np.float32) for each in (outputs if len(uses) > 1 else [outputs])]
    last = list(_constant_at_the_end(uses, values))
    # A softmax of large values is 0 and 1, the same for all images, though what it takes differs.
    if not last or (len(last) == 1 and not _has_zeros_alone(last[0][0])):
        return ()
    return (_suspicion(*last[-1]),)


def _suspicion(first: LayerUse, values: npt.NDArray[np.floating]) -> Suspicion:
    evidence = f"from layer {first.name} on every image gives the same values"
    if _has_zeros_alone(first):
        causes: tuple[str, ...] = (f"the weights of {first.name} were not loaded, or were lost",)
        return Suspicion("one class", f"{evidence}: {NO_WEIGHTS}", causes, "load them again, or train it again")
    causes = (
        "its training died there, as of too high a learning rate",
        "its weights were lost, or are those of another network",
        "it is not fed as in training",
    )
    experiment = (
        f"look at what {first.name} gives in the code that trained it: where that varies, compare weights and input "
        "with it, else train it again with a lower learning rate"
    )
    return Suspicion("one class", evidence if values.any() else f"{evidence}: zeros", causes, experiment)


def _has_zeros_alone(use: LayerUse) -> bool:
    weights = [np.asarray(weight) for weight in getattr(use.layer, "weights", ())]  # x + y has none
    return bool(weights) and not any(weight.any() for weight in weights)


def _constant_at_the_end(
    uses: tuple[LayerUse, ...], values: list[npt.NDArray[np.floating]]
) -> Iterator[tuple[LayerUse, npt.NDArray[np.floating]]]:
    """The layers whose values are the same for all images, the last one first, until one whose values are not."""
    for use, each in zip(reversed(uses), reversed(values), strict=True):
        if not np.ptp(each, axis=0).max(initial=0) <= _SAME * np.abs(each).max(initial=0):
            return
        yield use, each
