"""Training batches in an order that depends on seed and epoch alone, so that a training can be resumed."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.pixels.dataset import Split
from edgecnn.pixels.input_table import apply_table

from ..distillation import Mixture, TeacherAnswers
from ..history import Target
from .setup import TrainingSetup


class Batches(keras.utils.PyDataset):
    """Serves a split as (inputs, targets[, weights]); each epoch has its own permutation.

    Reads one batch at a time, so the memory it takes does not depend on the size of the split.

    Attributes:
        split: images and labels.
        rows: int64, the indices of those that are served.
        table: pixel values to model input.
    """

    def __init__(
        self,
        setup: TrainingSetup,
        split: Split,
        rows: npt.NDArray[np.int64],
        table: npt.NDArray[Any],
        teacher_answers: TeacherAnswers | None = None,
    ) -> None:
        """Prepare.

        Args:
            setup: its recipe's batch size and number of epochs, its seed; its class weights weigh each image; of its
                parallel processes this one's share of every batch is served, and the last batch of an epoch is cut to
                what can be divided evenly.
            split: images and labels.
            rows: int64, the indices of those to serve.
            table: pixel values to model input; see `edgecnn.pixels.input_table.input_table`.
            teacher_answers: what a teacher says of the split; the targets are then float32 (batch, 2 + classes): the
                label, the share of the loss that follows the teacher, the teacher's probabilities.
        """
        super().__init__()
        self.split, self.rows, self.table = split, rows, table
        self._recipe, self._batch_size, self._seed = setup.recipe, setup.recipe.batch_size, setup.seed
        self._teacher_answers, self._class_weights = teacher_answers, setup.class_weights
        self._mixture: Mixture | None = None
        self._parallel = setup.parallel
        self._order = rows

    def __len__(self) -> int:
        return math.ceil(self.images / self._batch_size)

    @property
    def images(self) -> int:
        """How many images an epoch has, those of all processes together."""
        return self._parallel.divisible(len(self.rows))

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], ...]:
        rows = self._parallel.shard(self._order[index * self._batch_size : (index + 1) * self._batch_size])
        labels = self.split.labels[rows]
        if self._mixture:
            inputs = self._mixture.inputs(self.table, self.split.images, rows)
            targets = _targets(labels, 1.0, self._mixture.probabilities[rows])  # of a mixture only the teacher knows
        else:
            inputs = apply_table(self.table, np.asarray(self.split.images[rows]))
            targets = labels
            if self._teacher_answers:
                targets = _targets(labels, self._recipe.teacher_weight, self._teacher_answers.plain[rows])
        return (inputs, targets) if self._class_weights is None else (inputs, targets, self._class_weights[labels])

    @property
    def target(self) -> Target:
        """What this epoch's batches train towards."""
        if self._mixture:
            return "mixtures"
        return "teacher" if self._teacher_answers else "labels"

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for `epoch`, counted from 0."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(self.rows)
        self._mixture = self._teacher_answers.mixture(epoch, self._recipe.epochs) if self._teacher_answers else None


def _targets(labels: npt.NDArray[np.int64], share: float, teacher: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    own = np.stack([labels.astype(np.float32), np.full(len(labels), share, np.float32)], axis=1)
    return np.concatenate([own, teacher], axis=1)
