"""The most probable classes of an image, best first."""

import warnings

import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnWarning

from .prediction import Prediction, Predictions, are_probabilities
from .runtime.loaded_model import LoadedModel


class Ranking:
    """Ranks the classes of a model, and says once where its scores are no probabilities."""

    def __init__(self, loaded: LoadedModel) -> None:
        """For the scores of `loaded`; a card vouches for them."""
        self._labels, self._step = loaded.labels, loaded.probabilities.scale
        self._is_known = loaded.card is not None

    def of(self, scores: npt.NDArray[np.float32], top: int) -> Predictions:
        """The `top` best classes of scores, float32 (classes,), ties in label order."""
        if not self._is_known and not are_probabilities(scores, self._step):
            self._is_known = True
            warnings.warn("the model's scores do not sum to 1: they are no probabilities", EdgecnnWarning, stacklevel=3)
        order = np.argsort(-scores, kind="stable")[:top]
        return Predictions(Prediction(self._labels[i], float(scores[i]), int(i)) for i in order)
