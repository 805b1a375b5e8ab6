"""The training loop: Keras' `fit`, with the best finished epoch always on disk."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.card import InputSpec
from edgecnn.dataset import Dataset, Split
from edgecnn.errors import EdgecnnError
from edgecnn.metrics import Evaluation, evaluate_probabilities
from edgecnn.output import replacing
from edgecnn.preprocessing import apply_table, input_table

from . import architectures, optimizers
from .hardware import Hardware
from .recipes import Recipe
from .run import Epoch


class Progress(Protocol):
    """Is told how a training goes."""

    def start(self, device: str, parameters: int, steps: int, epochs: int) -> None:
        """Called once, before the first of `steps` steps an epoch."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        """Called after every step; loss and accuracy are means over the epoch so far."""

    def finish_epoch(self, epoch: Epoch) -> None:
        """Called after every epoch."""


@dataclass
class Outcome:
    """What `fit` leaves: the float32 model on disk, its history, and which epoch the weights are of."""

    model: keras.Model
    history: list[Epoch] = field(default_factory=list)
    saved_epoch: int = 0
    interrupted: bool = False


@dataclass(frozen=True)
class Job:
    """A training that has been asked for; the arguments of `edgecnn.train.train`, checked."""

    dataset: Dataset
    spec: InputSpec
    architecture: str
    recipe: Recipe
    seed: int
    hardware: Hardware
    path: Path


def fit(job: Job, on_save: Callable[[int], None], progress: Progress) -> Outcome:
    """Train and save to `job.path`; `on_save(epoch)` is called after each save.

    After the last epoch its weights are saved; after Ctrl-C those of the epoch with the highest training accuracy.

    Raises:
        EdgecnnError: Ctrl-C before the first epoch was saved.
    """
    recipe, split = job.recipe, job.dataset.train
    keras.utils.set_random_seed(job.seed)
    model = _build(job, "mixed_bfloat16" if recipe.sixteen_bit and job.hardware.bfloat16 else "float32")
    trained = architectures.regularised(model, flip=recipe.flip, dropout=recipe.dropout)
    steps = math.ceil(len(split) / recipe.batch_size)
    trained.compile(
        optimizer=optimizers.build(recipe, steps * recipe.epochs, model.layers[-1].name),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        jit_compile="auto" if job.hardware.gpu else False,  # XLA is slower than eager kernels on a CPU
    )
    outcome = Outcome(_build(job, "float32"))
    keeper = _Keeper(model, outcome, job, on_save, progress)
    progress.start(job.hardware.description, model.count_params(), steps, recipe.epochs)
    inputs = apply_table(input_table(job.spec), split.images)
    try:
        trained.fit(
            inputs, split.labels, batch_size=recipe.batch_size, epochs=recipe.epochs, callbacks=[keeper], verbose=0
        )
        keeper.save(len(outcome.history))
    except KeyboardInterrupt:
        outcome.interrupted = True
        if not outcome.saved_epoch:
            raise EdgecnnError("stopped before the first epoch ended; nothing was written") from None
        outcome.model = keras.models.load_model(job.path)
    return outcome


def _build(job: Job, policy: str) -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return architectures.build(job.architecture, job.spec.shape, len(job.dataset.labels))
    finally:
        keras.config.set_dtype_policy(before)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until the block has ended, so that model and card are always of the same epoch."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


class _Keeper(keras.callbacks.Callback):
    """Saves the best epoch so far in float32, keeps the history, and stops at the accuracy that was asked for."""

    def __init__(
        self, source: keras.Model, outcome: Outcome, job: Job, on_save: Callable[[int], None], progress: Progress
    ) -> None:
        super().__init__()
        self._source, self._outcome, self._path = source, outcome, job.path
        self._on_save, self._progress, self._stop_at = on_save, progress, job.recipe.stop_at_accuracy
        self._epoch, self._started = 0, 0.0

    def save(self, epoch: int) -> None:
        """Write the weights as they are now, unless those of `epoch` were the last to be written."""
        if self._outcome.saved_epoch == epoch:
            return
        with _uninterrupted():
            self._outcome.model.set_weights(self._source.get_weights())
            with replacing(self._path) as temporary:
                self._outcome.model.save(temporary)
            self._on_save(epoch)
            self._outcome.saved_epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._epoch, self._started = epoch + 1, time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if logs:
            self._progress.step(self._epoch, batch + 1, float(logs["loss"]), float(logs["accuracy"]))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        entry = Epoch(
            epoch=epoch + 1,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
            learning_rate=float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)),
            seconds=round(time.perf_counter() - self._started, 3),
        )
        best = max((past.accuracy for past in self._outcome.history), default=-1.0)
        self._outcome.history.append(entry)
        if entry.accuracy > best:
            self.save(entry.epoch)
        self._progress.finish_epoch(entry)
        if self._stop_at is not None and entry.accuracy >= self._stop_at:
            self.model.stop_training = True


def evaluate(model: keras.Model, split: Split, spec: InputSpec) -> Evaluation:
    """Evaluate a Keras model with softmax output on labelled images."""
    return evaluate_probabilities(predict(model, split, spec), split.labels)


def predict(model: keras.Model, split: Split, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (images, classes)."""
    inputs = apply_table(input_table(spec), split.images)
    return np.asarray(model.predict(inputs, batch_size=500, verbose=0), dtype=np.float32)
