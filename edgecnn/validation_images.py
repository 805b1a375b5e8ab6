"""The images that a training holds back to choose its best epoch, found again by what its card says."""

import dataclasses
import re

import numpy as np

from .model_file.card import Training
from .pixels.dataset import Dataset, Split, held_back, stratified

_MOST = 5_000  # validation images, of which a temperature is known to a hundredth
_MOST_BYTES = 500_000_000


def validation_of(dataset: Dataset, share: float, seed: int) -> Split | None:
    """The images that a training holds back to choose its best epoch, at most 5,000; None where it holds back none.

    Args:
        dataset: as it is trained on.
        share: its recipe's validation split.
        seed: the training's.
    """
    split, most = dataset.validation, max(1, min(_MOST, _MOST_BYTES // int(np.prod(dataset.input.shape))))
    if split is not None:
        return split if len(split) <= most else split.sample(most)
    rows = held_back(dataset.train.labels, share, seed)[1]
    if len(rows) > most:
        rows = np.sort(rows[stratified(dataset.train.labels[rows], most, seed)])
    return Split(dataset.train.images[rows], dataset.train.labels[rows]) if len(rows) else None


def validation_of_run(dataset: Dataset, training: Training) -> Split | None:
    """The same of a run that was trained: its card says the share, where an option of `edgecnn train` did."""
    share = held_share_of(training.recipe)
    if share and 0 < training.train_images < len(dataset.train):  # as --train-images draws them
        dataset = dataclasses.replace(dataset, train=dataset.train.sample(training.train_images))
    return validation_of(dataset, share, training.seed)


def held_share_of(recipe: str) -> float:
    """The validation split that a card's words on its recipe name; 0 where they name none."""
    shares = re.findall(r"\bvalidation_split (\d[\d.]*(?:e-?\d+)?)", recipe)
    return float(shares[-1]) if shares else 0.0
