"""Training batches in an order that depends on seed and epoch alone, so that a training can be resumed."""

import math
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.dataset import Split
from edgecnn.preprocessing import apply_table

from .parallel import Parallel


class Batches(keras.utils.PyDataset):
    """Serves a split as (inputs, targets[, weights]); each epoch has its own permutation.

    Reads one batch at a time, so the memory it takes does not depend on the size of the split.
    """

    def __init__(
        self,
        split: Split,
        rows: npt.NDArray[np.int64],
        table: npt.NDArray[Any],
        batch_size: int,
        seed: int,
        teacher: npt.NDArray[np.float32] | None = None,
        class_weights: npt.NDArray[np.float32] | None = None,
        parallel: Parallel | None = None,
    ) -> None:
        """Prepare.

        Args:
            split: images and labels.
            rows: int64, the indices of those to serve.
            table: pixel values to model input; see `edgecnn.preprocessing.input_table`.
            teacher: a teacher's probabilities, float32 (images, classes); the targets are then
                float32 (batch, 1 + classes): the label, then these.
            class_weights: float32 (classes,): the weight of each image by its class.
            parallel: serves this process's share of every batch; the last batch of an epoch is cut to what can be
                divided evenly.
        """
        super().__init__()
        self._split, self._rows, self._table = split, rows, table
        self._batch_size, self._seed = batch_size, seed
        self._teacher, self._class_weights = teacher, class_weights
        self._parallel = parallel or Parallel()
        self._order = rows

    def __len__(self) -> int:
        return math.ceil(self._parallel.whole(len(self._rows)) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[npt.NDArray[Any], ...]:
        rows = self._parallel.part(self._order[index * self._batch_size : (index + 1) * self._batch_size])
        labels = self._split.labels[rows]
        targets: npt.NDArray[Any] = labels
        if self._teacher is not None:
            targets = np.concatenate([labels[:, None].astype(np.float32), self._teacher[rows]], axis=1)
        batch = (apply_table(self._table, np.asarray(self._split.images[rows])), targets)
        return batch if self._class_weights is None else (*batch, self._class_weights[labels])

    def start_epoch(self, epoch: int) -> None:
        """Shuffle for `epoch`, counted from 0."""
        self._order = np.random.default_rng([self._seed, epoch]).permutation(self._rows)
