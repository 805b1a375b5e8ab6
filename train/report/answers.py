"""What a trained network says of the images that its report is about."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edgecnn.pixels.dataset import Dataset, Images, Split, held_back, stratified
from edgecnn.temperature import apply_temperature

from ..overfitting import Fit

Predict = Callable[[Images], npt.NDArray[np.float32]]


@dataclass(frozen=True)
class SplitAnswers:
    """Labelled images, and what the network says of each.

    Attributes:
        name: of the split that they are from: `test`, `validation` or `training`.
        rows: int64 (images,), where each stands in its split.
        probabilities: float32 (images, classes), as the network gives them.
        whole: how many images the split has; these may be some of them.
        numbered: the split that `rows` are of, where the network held images of another back.
    """

    name: str
    split: Split
    rows: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    whole: int
    numbered: str = ""

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Its answers, int64 (images,)."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    def name_of(self, row: int) -> str:
        """What people call an image, see `Split.name_of`."""
        return self.split.names[row] if self.split.names else f"{self.numbered or self.name} image {self.rows[row]}"

    def calibrated(self, temperature: float) -> "SplitAnswers":
        """With the scores that a device tells: `probabilities` must be as the network gives them."""
        if temperature == 1:
            return self
        return replace(self, probabilities=apply_temperature(self.probabilities, temperature))

    @property
    def certainty(self) -> npt.NDArray[np.float32]:
        """The probability of each answer, float32 (images,)."""
        return np.asarray(self.probabilities.max(axis=1))


def answer(name: str, split: Split, predict: Predict, most: int | None = None) -> SplitAnswers:
    """Ask about a split, of more than `most` images about so many, of every class as many."""
    if most is None or len(split) <= most:
        return SplitAnswers(name, split, np.arange(len(split)), predict(split.images), len(split))
    rows = np.sort(stratified(split.labels, most, seed=0))
    asked = split.at(rows)
    return SplitAnswers(name, asked, rows, predict(asked.images), len(split))


def answer_rest(
    dataset: Dataset, predict: Predict, most: int | None = None, *, held_share: float = 0.0, seed: int = 0
) -> list[SplitAnswers]:
    """Ask about all splits but the test images, those first that the network was not trained on.

    Args:
        dataset: as it was trained on.
        predict: what the network says of images.
        most: how many of a split to ask about; None for all.
        held_share: of each class of the training images that the training held back, with its `seed`.
        seed: of the training.
    """
    kept, held = held_back(dataset.train.labels, held_share, seed)
    training = answer("training", dataset.train.at(kept), predict, most)
    answers = [replace(training, rows=kept[training.rows])]
    if len(held):
        validation = answer("validation", dataset.train.at(held), predict, most)
        answers.insert(0, replace(validation, rows=held[validation.rows], numbered="training"))
    if dataset.validation is not None:
        answers.insert(0, answer("validation", dataset.validation, predict, most))
    return answers


def measure_fit(answers: Sequence[SplitAnswers]) -> Fit | None:
    """What the saved model's answers say; None if it was not asked about its training images.

    Args:
        answers: of the test images, and of the others as `answer_rest` has them.
    """
    by_name = {one.name: one for one in reversed(answers)}
    training, unseen = by_name.get("training"), by_name.get("validation", by_name["test"])
    if training is None:
        return None
    truth, classes = training.split.labels, training.probabilities.shape[1]
    weights = np.ones(len(truth))
    if len(training.rows) < training.whole:  # a sample has rare classes as often as others: the unseen images do not
        there, here = (np.bincount(labels, minlength=classes) for labels in (unseen.split.labels, truth))
        weights = (there / np.maximum(here, 1))[truth]
    weights /= weights.sum() or 1
    given, wanted = (np.bincount(each, weights, classes) for each in (training.predicted, truth))
    right = unseen.predicted == unseen.split.labels
    accuracy = float(weights[training.predicted == truth].sum())
    return Fit(accuracy, len(truth), float(right.mean()), len(right), unseen.name, float(given @ wanted))
