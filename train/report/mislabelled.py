"""Images whose label looks wrong, by what the network says of them."""

import numpy as np
import numpy.typing as npt


def margins(
    probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """How far each label's probability is above that of the best other class: -1 for a label that looks surely wrong.

    Args:
        probabilities: (images, classes), two classes or more.
        labels: int64 (images,).

    Returns:
        float64 (images,), and int64 (images,): the best other class.
    """
    rows = np.arange(len(labels))
    others = np.array(probabilities, np.float64)
    of_label = others[rows, labels].copy()
    others[rows, labels] = -1
    best = others.argmax(axis=1)
    return of_label - others[rows, best], best


def find_mislabelled(probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The rows of images that look mislabelled, the surest first.

    Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021): an image counts as another class if the network
    gives that class at least the probability that it gives it, on average, to images so labelled. Ranked by `margins`.

    Args:
        probabilities: (images, classes), two classes or more; of images that the network was not trained on, where its
            labels cannot have been learnt by heart.
        labels: int64 (images,).
    """
    classes = probabilities.shape[1]
    counts = np.bincount(labels.astype(np.intp), minlength=classes)
    of_label = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    usual = np.where(counts > 0, np.bincount(labels.astype(np.intp), of_label, classes) / np.maximum(counts, 1), np.inf)
    sure = np.where(probabilities >= usual, probabilities, -1.0)
    confident = sure.argmax(axis=1)
    margin, _ = margins(probabilities, labels)
    rows = np.flatnonzero((sure.max(axis=1) >= 0) & (confident != labels) & (margin < 0))
    return rows[np.argsort(margin[rows], kind="stable")].astype(np.int64)
