"""The training loop: Keras' `fit`, resumable after every epoch."""

import dataclasses
import functools
import gc
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnError, InputError, ModelFileError
from edgecnn.metrics import Evaluation, evaluate_probabilities
from edgecnn.native_output import captured_stderr
from edgecnn.optional_packages import DAMAGED_FILE
from edgecnn.pixels.dataset import Dataset, Split, held_back
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table

from .. import architectures
from ..devices.data_parallel import Parallel, losses_of_workers
from ..devices.processor import Hardware
from ..recipes import Recipe
from ..run_report import CHECKPOINT
from ..teaching import Teaching
from . import checkpoint, losses, optimizers
from .batches import Batches
from .callback import Keeper, Outcome, Progress, should_stop
from .interrupt import Interrupt

_PREDICT_BATCH = 500


@dataclass(frozen=True)
class Job:
    """A training that has been asked for; the arguments of `edgecnn.train.train`, checked.

    Attributes:
        folder: the run directory.
        teaching: what a teacher says of the training split.
        class_weights: float32 (classes,).
    """

    dataset: Dataset
    spec: InputSpec
    architecture: str
    recipe: Recipe
    seed: int
    hardware: Hardware
    folder: Path
    parallel: Parallel = field(default_factory=Parallel)
    resume: bool = False
    teaching: Teaching | None = None
    class_weights: npt.NDArray[np.float32] | None = None

    @property
    def sixteen_bit(self) -> bool:
        """Whether to compute in bfloat16."""
        return self.recipe.sixteen_bit and self.hardware.bfloat16

    @functools.cached_property
    def identity(self) -> str:
        """What a checkpoint must be of to go on with."""
        return checkpoint.identity(
            dataset=self.dataset.sha256,
            images=(len(self.dataset.train), len(self.dataset.test)),
            spec=dataclasses.asdict(self.spec),
            architecture=self.architecture,
            recipe=dataclasses.asdict(self.recipe),
            seed=self.seed,
            sixteen_bit=self.sixteen_bit,
            teacher=None if self.teaching is None else np.round(self.teaching.plain.mean(axis=0), 4).tolist(),
            weighted=self.class_weights is not None,
            file=architectures.source_sha256(self.architecture),
            # The processes of a job may run on different machines, and only one writes.
            hardware=self.hardware.description if self.parallel.processes == 1 else "job",
            versions=(version("keras"), keras.backend.backend(), version(keras.backend.backend())),
        )


def fit(job: Job, on_save: Callable[[int], None], progress: Progress) -> Outcome:
    """Train and save to the run directory; `on_save(epoch)` is called after each save.

    Without a validation split the last epoch's weights are saved in the end, with one those of the best epoch; after
    Ctrl-C those of the best finished epoch, by validation accuracy or else by training accuracy.

    Raises:
        EdgecnnError: Ctrl-C before the first epoch was saved, or a loss that is no number.
        ModelFileError: `job.resume`, and there is no checkpoint of this training.
    """
    with captured_stderr():
        keras.utils.set_random_seed(job.seed)  # on JAX this imports TensorFlow, where it is installed
    outcome = Outcome(_build(job, "float32"))
    keras.utils.set_random_seed(job.seed)
    with job.parallel.scope(), losses_of_workers(job.parallel):
        _fit(job, outcome, on_save, progress)
    if outcome.interrupted:
        gc.collect()  # ends the threads that read batches ahead, which must not outlive the interpreter
        if not outcome.saved_epoch:
            raise EdgecnnError("stopped before the first epoch ended; nothing was written")
    return outcome


def _fit(job: Job, outcome: Outcome, on_save: Callable[[int], None], progress: Progress) -> None:
    recipe = job.recipe
    model, trained, batches, validation = prepare(job)
    if job.resume:
        variables = [*trained.variables, *trained.optimizer.variables]
        outcome.history, outcome.saved_epoch = checkpoint.load(job.folder / CHECKPOINT, variables, job.identity)
        try:
            outcome.model.load_weights(job.folder / "model.keras")
        except DAMAGED_FILE as error:
            raise ModelFileError(
                f"{job.folder / 'model.keras'} is damaged ({error}); start anew with --force"
            ) from None
    interrupt = Interrupt()
    assert job.identity  # of the files as they are now, not as they may be edited while this trains
    keeper = Keeper(model, outcome, job, batches, on_save, progress, interrupt)
    progress.start(job.hardware.description, model.count_params(), len(batches), recipe.epochs)
    done = len(outcome.history)
    with interrupt:
        try:
            if done < recipe.epochs and not (done and should_stop(recipe, outcome.history)):
                trained.fit(
                    batches,
                    initial_epoch=done,
                    epochs=recipe.epochs,
                    shuffle=False,  # the batches are: Keras would draw their order from a state that cannot be resumed
                    validation_data=validation,
                    callbacks=[keeper],
                    verbose=0,
                )
            if validation is None:
                keeper.save(len(outcome.history))
        except KeyboardInterrupt:
            outcome.interrupted = True


def prepare(job: Job) -> tuple[keras.Model, keras.Model, Batches, Batches | None]:
    """The bare network, what is trained in its place (compiled), its batches, and those to validate on."""
    recipe, table, classes = job.recipe, input_table(job.spec), len(job.dataset.labels)
    model = _build(job, "mixed_bfloat16" if job.sixteen_bit else "float32")
    background = float(table[0, 255 if job.spec.background == "light" else 0])
    trained = architectures.regularised(model, recipe, background)
    own = job.dataset.validation
    kept, held = held_back(job.dataset.train.labels, recipe.validation_split, job.seed)
    if recipe.validation_split and not len(held):
        raise InputError(
            f"a validation split of {recipe.validation_split} holds back none of {len(kept)} images; make it larger"
        )

    def batches(split: Split, rows: npt.NDArray[np.int64], teaching: Teaching | None) -> Batches:
        return Batches(split, rows, table, recipe, job.seed, teaching, job.class_weights, job.parallel)

    validation = batches(job.dataset.train, held, job.teaching) if len(held) else None
    if own:
        # The loss of a distilled network needs a teacher; here the labels stand in for it.
        certain = Teaching(np.eye(classes, dtype=np.float32)[own.labels]) if job.teaching else None
        validation = batches(own, np.arange(len(own)), certain)

    trained.compile(
        optimizer=optimizers.build(
            recipe, math.ceil(len(kept) / recipe.batch_size) * recipe.epochs, model.layers[-1].name
        ),
        loss=losses.build(recipe, classes, distilled=job.teaching is not None),
        metrics=[keras.metrics.MeanMetricWrapper(losses.accuracy, name="accuracy")],
        # XLA is slower than TensorFlow's own kernels on a CPU; JAX has nothing else.
        jit_compile="auto" if job.hardware.gpu or keras.backend.backend() == "jax" else False,
    )
    trained.optimizer.build(trained.trainable_variables)
    return model, trained, batches(job.dataset.train, kept, job.teaching), validation


def _build(job: Job, policy: str) -> keras.Model:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        return architectures.build(job.architecture, job.spec.shape, len(job.dataset.labels))
    finally:
        keras.config.set_dtype_policy(before)


def evaluate(model: keras.Model, split: Split, spec: InputSpec) -> Evaluation:
    """Evaluate a Keras model with softmax output on labelled images."""
    return evaluate_probabilities(predict(model, split, spec), split.labels)


def predict(model: keras.Model, split: Split, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (images, classes), some hundred images at a time."""
    table, parts = input_table(spec), []
    for start in range(0, len(split), _PREDICT_BATCH):
        inputs = apply_table(table, np.asarray(split.images[start : start + _PREDICT_BATCH]))
        parts.append(np.asarray(model.predict_on_batch(inputs), dtype=np.float32))
    return np.concatenate(parts)
