"""How well a classifier does on labelled images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .arguments import require_kind
from .errors import InputError

if TYPE_CHECKING:
    from .pixels.dataset import Split
    from .pixels.input_spec import InputSpec

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


def require_labels(labels: npt.NDArray[np.int64], images: int, classes: int) -> None:
    """Make sure that labels are true class indices of a model, one for each of so many images.

    Raises:
        InputError: they are no array of whole numbers, as many as images, from 0 to below `classes`; or of no image.
    """
    require_kind(labels, np.ndarray, "labels")
    if labels.shape != (images,) or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels must be class indices, whole numbers of shape ({images},). Received: {labels.dtype} of shape "
            f"{labels.shape}"
        )
    if not images:
        raise InputError("there are no images to evaluate on; give some")
    if labels.min() < 0:
        raise InputError(f"label {labels.min()} says that nobody knows what an image shows; give labelled images")
    if int(labels.max()) >= classes:
        raise InputError(f"label {labels.max()} is not among the model's {classes} classes")


def require_labelled(split: "Split", spec: "InputSpec", classes: int) -> None:
    """Make sure that a model can be evaluated on labelled images.

    Args:
        split: the images.
        spec: of the model's input.
        classes: how many it has.

    Raises:
        InputError: `split` is none, its images are of another shape or type, or its labels are none of the model's.
    """
    from .pixels.dataset import Split
    from .pixels.preprocessing import check_pixels

    require_kind(split, Split, "the labelled images")
    check_pixels(split.images, spec, many=True)
    require_labels(split.labels, len(split.images), classes)


def evaluate_probabilities(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> Evaluation:
    """Compare probabilities, (images, classes), with the true class indices, (images,).

    Raises:
        InputError: there are no images, or the labels are no such indices.
    """
    require_labels(labels, *probabilities.shape)
    predicted = probabilities.argmax(axis=1)
    classes = probabilities.shape[1]
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    # intp, before they are multiplied: a cell's number does not fit 8 bits, and 32-bit processors' bincount no int64.
    confusion = np.bincount(labels.astype(np.intp) * classes + predicted, minlength=classes * classes)
    return Evaluation(
        images=len(labels),
        accuracy=float((predicted == labels).mean()),
        loss=float(-np.log(np.clip(of_truth, _EPSILON, 1 - _EPSILON)).mean()),
        confusion=confusion.reshape(classes, classes).astype(np.int64),
    )


@dataclass(frozen=True)
class ClassFigures:
    """How well a classifier knows one class.

    Attributes:
        images: of the class.
        precision: share of its answers with this class that are right, 0 to 1; None where it never gives it.
        recall: share of the class's images that it gets right; None where there are none.
        f1: harmonic mean of both, 0 where it never gives a class that there are images of; None where there is neither.
    """

    images: int
    precision: float | None
    recall: float | None
    f1: float | None


def class_figures(confusion: npt.NDArray[np.int64]) -> list[ClassFigures]:
    """Of every class, in label order, from int64 (classes, classes) with the true class in rows."""
    figures = []
    for right, images, answers in zip(confusion.diagonal(), confusion.sum(axis=1), confusion.sum(axis=0), strict=True):
        precision = float(right / answers) if answers else None
        recall = float(right / images) if images else None
        f1 = float(2 * right / (images + answers)) if images + answers else None
        figures.append(ClassFigures(int(images), precision, recall, f1))
    return figures


def mean_of_known(values: Sequence[float | None]) -> tuple[float | None, int]:
    """The mean of those figures of classes that are known, and how many these are; None where none is."""
    known = [value for value in values if value is not None]
    return (sum(known) / len(known) if known else None), len(known)


def most_confused(evaluation: Evaluation, count: int = 3) -> list[tuple[int, int, int]]:
    """The most frequent mistakes as (true class, predicted class, images), most frequent first."""
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(mistakes, axis=None, kind="stable")[::-1][:count]
    classes = len(mistakes)
    return [(int(i) // classes, int(i) % classes, int(mistakes.flat[i])) for i in order if mistakes.flat[i]]


def best_order(confusion: npt.NDArray[np.integer]) -> npt.NDArray[np.intp]:
    """The predicted class that stands for each true one where most images are right, each predicted class once.

    The Hungarian method, O(classes³) at worst, of the classes that occur; the others stand for themselves.

    Args:
        confusion: (classes, classes); rows are the true class, columns the predicted one.

    Returns:
        intp (classes,): a column for each row, so that the sum of those cells is the largest there is.
    """
    there = np.flatnonzero(confusion.any(axis=0) | confusion.any(axis=1))
    classes = len(there)
    cost = -np.asarray(confusion[np.ix_(there, there)], np.float64)
    # Place 0 stands for "none yet": rows and columns count from 1.
    of_row, of_column = np.zeros(classes + 1), np.zeros(classes + 1)
    row_of, came_from = np.zeros(classes + 1, np.intp), np.zeros(classes + 1, np.intp)
    for row in range(1, classes + 1):
        row_of[0], column = row, 0
        least, done = np.full(classes + 1, np.inf), np.zeros(classes + 1, bool)
        while True:
            done[column] = True
            reduced = cost[row_of[column] - 1] - of_row[row_of[column]] - of_column[1:]
            better = np.flatnonzero(~done[1:] & (reduced < least[1:])) + 1
            least[better], came_from[better] = reduced[better - 1], column
            nearest = np.where(done, np.inf, least)
            nearest[0] = np.inf
            following = int(nearest.argmin())
            step = nearest[following]
            of_row[row_of[done]] += step
            of_column[done] -= step
            least[~done] -= step
            column = following
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[came_from[column]]
            column = int(came_from[column])
    order = np.arange(len(confusion))
    order[there[row_of[1:] - 1]] = there
    return order


def right_in_order(confusion: npt.NDArray[np.integer], order: npt.NDArray[np.intp]) -> int:
    """How many images would be right if the labels stood in an order, such as the `best_order`."""
    return int(confusion[np.arange(len(confusion)), order].sum())
