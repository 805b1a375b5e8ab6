"""The training loop: Keras' `fit`, resumable after every epoch."""

import gc
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.keras_file import loading_keras
from edgecnn.pixels.dataset import held_back
from edgecnn.pixels.input_table import input_table

from ..devices.data_parallel import translate_worker_loss
from ..distillation import TeacherAnswers
from ..progress import TrainingProgress
from . import checkpoint, losses, optimizers, transfer
from .batches import Batches
from .callback import Outcome, TrainingCallback, should_stop
from .interrupt import Interrupt
from .setup import TrainingSetup
from .training_model import build_training_model


@dataclass(frozen=True)
class Fitting:
    """What Keras' `fit` takes.

    Attributes:
        network: the bare network.
        training_model: compiled; trained in place of `network`, whose weights it shares.
        batches: to train on.
        validation: to choose the best epoch by, or None.
    """

    network: keras.Model
    training_model: keras.Model
    batches: Batches
    validation: Batches | None


def fit(setup: TrainingSetup, on_save: Callable[[int], None], progress: TrainingProgress) -> Outcome:
    """Train and save to the run directory; `on_save(epoch)` is called with each save.

    Files that `on_save` writes take their places together with model.keras.

    Without a validation split the last epoch's weights are saved in the end, with one those of the best epoch; after
    Ctrl-C those of the best finished epoch, by validation accuracy or else by training accuracy.

    Raises:
        EdgecnnError: Ctrl-C before the first epoch was saved, or a loss that is no number.
        ModelFileError: `setup.resume`, and there is no checkpoint of this training.
    """
    keras.utils.set_random_seed(setup.seed)
    outcome = Outcome(setup.build_network("float32"))
    keras.utils.set_random_seed(setup.seed)
    with setup.parallel.scope(), translate_worker_loss(setup.parallel):
        _fit(setup, outcome, on_save, progress)
    if outcome.interrupted:
        gc.collect()  # ends the threads that read batches ahead, which must not outlive the interpreter
        if not outcome.saved_epoch:
            raise EdgecnnError("stopped before the first epoch ended; nothing was written")
    return outcome


def _fit(setup: TrainingSetup, outcome: Outcome, on_save: Callable[[int], None], progress: TrainingProgress) -> None:
    recipe, fitting = setup.recipe, prepare_fitting(setup)
    identity = setup.identity  # of the files as they are now, not as they may be edited while this trains
    if setup.resume:
        _restore(setup, identity, fitting.training_model, outcome)
    interrupt = Interrupt()
    callback = TrainingCallback(setup, fitting.network, fitting.batches, outcome, on_save, progress, interrupt)
    parameters, batches = fitting.network.count_params(), fitting.batches
    progress.start(setup.processor.description, parameters, len(batches), recipe.epochs, batches.images)
    done = len(outcome.history)
    with interrupt:
        try:
            if recipe.frozen is not None and not done:
                _train_last_layer(setup, fitting, callback, progress, interrupt)
                done = 1
            if done < recipe.epochs and not (done and should_stop(recipe, outcome.history)):
                fitting.training_model.fit(
                    fitting.batches,
                    initial_epoch=done,
                    epochs=recipe.epochs,
                    shuffle=False,  # the batches are: Keras would draw their order from a state that cannot be resumed
                    validation_data=fitting.validation,
                    callbacks=[callback],
                    verbose=0,
                )
            if fitting.validation is None:
                callback.save(len(outcome.history))
        except KeyboardInterrupt:
            outcome.interrupted = True


def _train_last_layer(
    setup: TrainingSetup,
    fitting: Fitting,
    callback: TrainingCallback,
    progress: TrainingProgress,
    interrupt: Interrupt,
) -> None:
    """The first epoch of a training on pretrained weights."""
    callback.set_model(fitting.training_model)
    callback.on_epoch_begin(0)
    parts = fitting.batches, fitting.validation
    callback.on_epoch_end(
        0, transfer.train_last_layer(fitting.network, parts, setup, progress, interrupt.raise_if_pressed)
    )


def _restore(setup: TrainingSetup, identity: str, training_model: keras.Model, outcome: Outcome) -> None:
    variables = [*training_model.variables, *training_model.optimizer.variables]
    outcome.history, outcome.saved_epoch = checkpoint.load_checkpoint(setup.folder.checkpoint, variables, identity)
    path = setup.folder.model
    with loading_keras(str(path), "start anew with --force"):
        outcome.model.load_weights(path)


def prepare_fitting(setup: TrainingSetup) -> Fitting:
    """Build and compile what is trained, and the batches that it is trained and validated on.

    Raises:
        InputError: a validation split that holds back none of the images.
    """
    recipe, dataset = setup.recipe, setup.dataset
    table, classes, distils = input_table(dataset.input), len(dataset.labels), setup.teacher_answers is not None
    network = setup.build_network("mixed_bfloat16" if setup.bfloat16 else "float32")
    transfer.prepare_network(network, setup)
    background = tuple(map(float, table[:, 255 if dataset.input.background == "light" else 0]))
    model = build_training_model(network, recipe, background)
    kept, held = held_back(dataset.train.labels, recipe.validation_split, setup.seed)
    if recipe.validation_split and not len(held):
        raise InputError(
            f"a validation split of {recipe.validation_split} holds back none of {len(kept)} images; make it larger"
        )
    validation = Batches(setup, dataset.train, held, table, setup.teacher_answers) if len(held) else None
    if own := dataset.validation:
        # The loss of a distilled network needs a teacher; here the labels stand in for it.
        certain = TeacherAnswers(np.eye(classes, dtype=np.float32)[own.labels]) if distils else None
        validation = Batches(setup, own, np.arange(len(own)), table, certain)
    batches = Batches(setup, dataset.train, kept, table, setup.teacher_answers)
    epochs = recipe.epochs - (recipe.frozen is not None)  # the first of a transfer has an optimizer of its own
    steps = len(batches) * max(1, epochs)
    model.compile(
        optimizer=optimizers.build_optimizer(recipe, steps, network.layers[-1].name, setup.processor.gpu),
        loss=losses.build_loss(recipe, classes, distils),
        metrics=[keras.metrics.MeanMetricWrapper(losses.accuracy, name="accuracy")],
        # XLA is slower than TensorFlow's own kernels on a CPU. On a GPU Keras leaves it off where the same seed gives
        # the same weights. JAX has nothing else.
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )
    model.optimizer.build(model.trainable_variables)
    return Fitting(network, model, batches, validation)
