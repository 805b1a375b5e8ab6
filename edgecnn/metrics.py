"""How well a classifier does on labelled images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Keras' own bound in SparseCategoricalCrossentropy: a probability of 0 must not cost infinity.
_EPSILON = 1e-7


@dataclass(frozen=True)
class Evaluation:
    """Figures over labelled images.

    Attributes:
        images: how many.
        accuracy: share with the right top-1, 0 to 1.
        loss: mean cross-entropy in nats.
        confusion: int64 (classes, classes); rows are the true class, columns the predicted one.
    """

    images: int
    accuracy: float
    loss: float
    confusion: npt.NDArray[np.int64]


def evaluate_probabilities(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> Evaluation:
    """Compare probabilities, (images, classes), with the true class indices, (images,)."""
    predicted = probabilities.argmax(axis=1)
    classes = probabilities.shape[1]
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # intp: on 32-bit processors bincount refuses int64.
    confusion = np.bincount((labels * classes + predicted).astype(np.intp), minlength=classes * classes)
    return Evaluation(
        images=len(labels),
        accuracy=float((predicted == labels).mean()),
        loss=float(-np.log(np.clip(of_truth, _EPSILON, 1 - _EPSILON)).mean()),
        confusion=confusion.reshape(classes, classes).astype(np.int64),
    )


def most_confused(evaluation: Evaluation, count: int = 3) -> list[tuple[int, int, int]]:
    """The most frequent mistakes as (true class, predicted class, images), most frequent first."""
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(mistakes, axis=None, kind="stable")[::-1][:count]
    classes = len(mistakes)
    return [(int(i) // classes, int(i) % classes, int(mistakes.flat[i])) for i in order if mistakes.flat[i]]
