"""The callback that keeps a training safe: the best epoch and a checkpoint on disk, and an end where one is due."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np

from edgecnn.atomic_files import replacing, require_room, together
from edgecnn.errors import EdgecnnError

from ..history import Epoch
from ..progress import TrainingProgress
from ..recipes import Recipe
from . import checkpoint
from .batches import Batches
from .interrupt import Interrupt
from .setup import TrainingSetup
from .training_model import freeze_first_layer

_PICTURES_AND_FIGURES = 1_000_000  # bytes, of what the end of a training writes


@dataclass
class Outcome:
    """What a training leaves.

    Attributes:
        model: float32, with the weights that were saved last.
        history: one entry a finished epoch.
        saved_epoch: whose weights these are; 0 for none.
        interrupted: whether Ctrl-C ended it.
    """

    model: keras.Model
    history: list[Epoch] = field(default_factory=list)
    saved_epoch: int = 0
    interrupted: bool = False


class TrainingCallback(keras.callbacks.Callback):
    """Saves the best epoch in float32 and a checkpoint of every epoch; stops when the recipe says so."""

    def __init__(
        self,
        setup: TrainingSetup,
        network: keras.Model,
        batches: Batches,
        outcome: Outcome,
        on_save: Callable[[int], None],
        progress: TrainingProgress,
        interrupt: Interrupt,
    ) -> None:
        super().__init__()
        self._setup, self._network, self._batches, self._outcome = setup, network, batches, outcome
        self._on_save, self._progress = on_save, progress
        self._interrupt = interrupt
        self._epoch, self._started = 0, 0.0
        self._first_is_frozen = False

    def save(self, epoch: int) -> None:
        """Write the weights as they are now, unless those of `epoch` were the last to be written."""
        if self._outcome.saved_epoch == epoch:
            return
        with self._interrupt.saving():
            self._outcome.model.set_weights(self._network.get_weights())
            if self._setup.parallel.is_main:
                self._write(epoch)
            self._outcome.saved_epoch = epoch

    def _write(self, epoch: int) -> None:
        folder, is_first = self._setup.folder, not self._outcome.saved_epoch
        with together([folder.checkpoint] if is_first else []):  # of an earlier training that this one replaces
            with replacing(folder.model) as temporary:
                self._outcome.model.save(temporary)
                if is_first and folder.model.exists():
                    self._require_room(temporary.stat().st_size)
            self._on_save(epoch)

    def _require_room(self, model_bytes: int) -> None:
        """Make sure that the rest of this training can be written, before the run of an earlier one goes for it."""
        variables = [*self.model.variables, *self.model.optimizer.variables]
        checkpoint_bytes = sum(math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in variables)
        # A new model and a new checkpoint are written beside those before them.
        require_room(self._setup.folder.path, model_bytes + 2 * checkpoint_bytes + _PICTURES_AND_FIGURES)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Shuffle for the epoch."""
        self._batches.start_epoch(epoch)
        self._epoch, self._started = epoch + 1, time.perf_counter()

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Freeze the first layer once it has learnt for its share of the steps."""
        done = (self._epoch - 1 + batch / len(self._batches)) / self._setup.recipe.epochs
        if not self._first_is_frozen and done >= self._setup.recipe.first_layer:
            freeze_first_layer(self.model, self._network)
            self._first_is_frozen = True

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Report, and stop a training that has gone astray."""
        logs = logs or {}
        if not math.isfinite(float(logs["loss"])):
            kept = f"epoch {self._outcome.saved_epoch} is kept" if self._outcome.saved_epoch else "nothing was kept"
            raise EdgecnnError(
                f"the loss is {float(logs['loss'])} at step {batch + 1} of epoch {self._epoch}; {kept}; "
                "use another seed or recipe, or look at the data"
            )
        self._progress.step(self._epoch, batch + 1, float(logs["loss"]), float(logs["accuracy"]))
        self._interrupt.raise_if_pressed()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the epoch's figures, its weights if they are the best, and a checkpoint."""
        logs = logs or {}
        history = self._outcome.history
        entry = Epoch(
            epoch=epoch + 1,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
            learning_rate=float(logs.get("learning_rate", self._learning_rate())),
            seconds=round(time.perf_counter() - self._started, 3),
            validation_loss=float(logs["val_loss"]) if "val_loss" in logs else None,
            validation_accuracy=float(logs["val_accuracy"]) if "val_accuracy" in logs else None,
            target=self._batches.target,
        )
        best = max((past.monitored_accuracy for past in history), default=-1.0)
        history.append(entry)
        if entry.monitored_accuracy > best:
            self.save(entry.epoch)
        if self._setup.parallel.is_main:
            with self._interrupt.saving():
                variables = [*self.model.variables, *self.model.optimizer.variables]
                checkpoint.save_checkpoint(
                    self._setup.folder.checkpoint,
                    variables,
                    self._setup.identity,
                    history,
                    self._outcome.saved_epoch,
                )
        self._progress.finish_epoch(entry)
        self._interrupt.raise_if_pressed()
        if should_stop(self._setup.recipe, history):
            self.model.stop_training = True

    def _learning_rate(self) -> float:
        return float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def should_stop(recipe: Recipe, history: list[Epoch]) -> bool:
    """Whether the recipe ends the training after these epochs, before their number is reached."""
    if recipe.stop_at_accuracy is not None and history[-1].accuracy >= recipe.stop_at_accuracy:
        return True
    best = max(history, key=lambda entry: entry.monitored_accuracy)
    return recipe.early_stopping is not None and history[-1].epoch - best.epoch >= recipe.early_stopping
