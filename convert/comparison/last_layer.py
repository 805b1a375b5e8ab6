"""Whether what the last layer of a network takes tells classes apart that its own answers do not."""

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.pixels.dataset import Split

from ..network.feature_maps import layer_uses
from ..network.keras_network import KerasNetwork
from .trials import Trial

_MOST = 4096  # numbers of an image: of more the means of a few images say little
_FEWEST = 2  # classes that are to be told apart


def last_layer_trial(network: KerasNetwork, some: Split) -> Trial | None:
    """Answer an image by the class whose other images are nearest in the mean, in what the last dense layer takes.

    Args:
        network: whose last layer is tried.
        some: the images on which it will be tried, and what they show.

    Returns:
        None where there is no dense layer that gives the classes, it takes more than a few images can tell of, or
        these are of too few classes.
    """
    classes = len(network.card.labels)
    dense = [use for use in layer_uses(network.model) if isinstance(use.layer, keras.layers.Dense)]
    taken = dense[-1].node.input_tensors[0] if dense and dense[-1].output.shape[1:] == (classes,) else None
    if taken is None or taken.shape[-1] > _MOST or _shown(some, classes).sum() < _FEWEST:
        return None
    model = keras.Model(network.model.inputs, taken)

    def answer(images: Pixels) -> npt.NDArray[np.float32]:
        return _nearest(np.asarray(model.predict(network.fed(images), verbose=0), np.float64), some.labels, classes)

    return Trial("last layer", f"with the means of each class in place of {dense[-1].layer.name}", answer)


def among_shown(probabilities: npt.NDArray[np.float32], some: Split) -> npt.NDArray[np.float32]:
    """Probabilities (images, classes) without those of classes that the trial cannot choose: it must be fair."""
    return np.where(_shown(some, probabilities.shape[1]), probabilities, np.float32(0))


def _shown(some: Split, classes: int) -> npt.NDArray[np.bool_]:
    """Of which classes there are several images, bool (classes,)."""
    return some.count_classes(classes) > 1


def _nearest(values: npt.NDArray[np.float64], labels: npt.NDArray[np.int64], classes: int) -> npt.NDArray[np.float32]:
    """1 for the class whose mean is nearest to each of the values (images, numbers), which are not in it themselves."""
    values = values / np.maximum(values.std(axis=0), 1e-9)
    of_class = labels[:, None] == np.arange(classes)  # (images, classes)
    sums, counts = of_class.T.astype(np.float64) @ values, of_class.sum(axis=0)
    others = np.maximum(counts - of_class, 1)  # (images, classes)
    squares = np.full(of_class.shape, np.inf)
    for each in np.flatnonzero(counts > 1):
        means = (sums[each] - of_class[:, each : each + 1] * values) / others[:, each : each + 1]
        squares[:, each] = np.square(values - means).sum(axis=1)
    answers: npt.NDArray[np.float32] = np.eye(classes, dtype=np.float32)[squares.argmin(axis=1)]
    return answers
