"""Train a classifier and leave a run directory; imports TensorFlow only when called."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.metrics import Evaluation
from edgecnn.model_file.card import ModelCard, Quantization, Training
from edgecnn.model_file.provenance import stamp
from edgecnn.native_output import captured_stderr
from edgecnn.pixels.dataset import Dataset, check_seed

from . import recipes, run_report
from .devices import backend
from .progress import Silent
from .recipes import Recipe
from .run_report import CHECKPOINT, TrainingRun

if TYPE_CHECKING:
    from .fitting.callback import Outcome, Progress
    from .fitting.estimate import Estimate
    from .teaching import Teaching


def train(
    output: str | Path,
    dataset: Dataset,
    *,
    architecture: str = "reference",
    recipe: str | Recipe = "fast",
    seed: int = 0,
    epochs: int | None = None,
    stop_at_accuracy: float | None = None,
    teacher: str | Path | None = None,
    class_weights: bool = False,
    devices: bool = False,
    distributed: bool = False,
    resume: bool = False,
    force: bool = False,
    progress: "Progress | None" = None,
) -> TrainingRun:
    """Train a network and write a run directory: model.keras, card.json, history and metrics with their pictures.

    Args:
        output: the run directory; created.
        dataset: images and labels; the order of `dataset.labels` is fixed in the card.
        architecture: a name from `edgecnn.train.architectures`, or `FILE.py:function`.
        recipe: a name from `RECIPES`, or a recipe of your own.
        seed: of weights, shuffling and dropout; the same seed gives the same weights on the same machine.
        epochs: instead of the recipe's number; the learning-rate schedule is stretched to it.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
        teacher: a .keras file to distil from, or an architecture that is trained first, into `output`/teacher.
        class_weights: weigh each class by the inverse of its share of the training images.
        devices: divide every batch among all accelerators of this computer, with JAX.
        distributed: divide every batch among the processes of a job, with JAX; see `devices/data_parallel.py`.
            Only process 0 writes files; all must be started with the same arguments and data.
        resume: go on after the last finished epoch of the training that `output` holds, to the same weights.
        force: replace a run that `output` holds, once the first epoch of this one has ended.
        progress: is told how it goes.

    Returns:
        The run; `interrupted` if Ctrl-C ended it after the first epoch.

    Raises:
        MissingExtraError: TensorFlow, or for several devices JAX, is not installed.
        InputError: unknown recipe or architecture, a number out of its range, or an incomplete description of a job.
        OutputError: `output` exists or cannot be written.
        ModelFileError: nothing to resume, or a teacher that does not fit.
        EdgecnnError: Ctrl-C before the first epoch ended, a loss that is no number, or a process of the job was lost.
    """
    chosen = _choose(recipe, epochs, stop_at_accuracy)
    _check(chosen, dataset, seed)
    if teacher is not None and not str(teacher):
        raise InputError("the teacher's name is empty; give a .keras file or an architecture, or leave it out")
    if distributed and teacher and Path(teacher).suffix != ".keras":
        raise InputError("a job of several processes needs a teacher that is trained already; give its .keras file")
    library = backend.choose(devices or distributed)
    run_report.check_free(Path(output), force or resume)  # before others wait for this process
    with captured_stderr():
        from . import architectures
        from .devices import data_parallel, processor
        from .fitting import fit

        together = data_parallel.start(devices, distributed)
        device = processor.detect(library, together)
    if chosen.batch_size % together.devices:
        raise InputError(f"batches of {chosen.batch_size} cannot be divided among {together.devices} devices evenly")
    architectures.build(architecture, dataset.input.shape, len(dataset.labels))  # before a teacher is trained in vain
    path = Path(output)
    created = together.leader and run_report.prepare_folder(path, force or resume)
    names = [chosen.name, *["class weights"] * class_weights, *([f"teacher {Path(teacher).name}"] if teacher else [])]
    card = _card(dataset, architecture, ", ".join(names), seed)

    def save_card(epoch: int) -> None:
        if epoch == 1:
            run_report.remove_previous(path)
        _with_training(card, epochs=epoch).save(path / "card.json")

    told = progress if progress and together.leader else Silent()
    try:
        job = fit.Job(
            dataset=dataset,
            spec=dataset.input,
            architecture=architecture,
            recipe=chosen,
            seed=seed,
            hardware=device,
            folder=path,
            parallel=together,
            resume=resume and not _only_a_teacher(path),
            teaching=_teach(teacher, path, dataset, chosen, seed, resume, force, told) if teacher else None,
            class_weights=_balanced(dataset) if class_weights else None,
        )
        outcome = fit.fit(job, save_card, told)
    finally:
        if created:
            run_report.remove_if_empty(path)
    evaluation = fit.evaluate(outcome.model, dataset.test, card.input)
    result = _result(path, card, outcome, evaluation, device.description, together.process)
    if together.leader:
        _finish(result)
    return result


def _choose(recipe: str | Recipe, epochs: int | None, stop_at_accuracy: float | None) -> Recipe:
    chosen = recipes.get(recipe) if isinstance(recipe, str) else recipe
    changes = {"epochs": epochs, "stop_at_accuracy": stop_at_accuracy}
    given = {name: value for name, value in changes.items() if value is not None}
    return recipes.changed(chosen, **given) if given else chosen


def _check(recipe: Recipe, dataset: Dataset, seed: int) -> None:
    if recipe.validation_split and dataset.validation is not None:
        raise InputError(f"{dataset.name} has validation images of its own; leave the validation split out")
    if recipe.early_stopping and not recipe.validation_split and dataset.validation is None:
        raise InputError("early stopping needs images to judge by; add a validation split, such as 0.1")
    check_seed(seed)
    if not len(dataset.train) or not len(dataset.test):
        raise InputError(
            f"{dataset.name} must have training and test images; it has {len(dataset.train)} and {len(dataset.test)}"
        )


def _only_a_teacher(path: Path) -> bool:
    """Whether an interrupted run got no further than its teacher."""
    return (path / "teacher").is_dir() and not (path / CHECKPOINT).exists() and not (path / "model.keras").exists()


def _teach(
    teacher: str | Path,
    path: Path,
    dataset: Dataset,
    recipe: Recipe,
    seed: int,
    resume: bool,
    force: bool,
    progress: "Progress",
) -> "Teaching":
    """What the teacher says of the training images; a teacher that is an architecture is trained first."""
    from . import distillation as teacher_module

    file = Path(teacher)
    if file.suffix != ".keras":
        file = path / "teacher" / "model.keras"
        unfinished = (file.parent / CHECKPOINT).exists()
        if not (resume and not unfinished and _is_finished(file.parent, str(teacher), seed, dataset)):
            taught = train(
                file.parent,
                dataset,
                architecture=str(teacher),
                recipe=teacher_module.RECIPE,
                seed=seed,
                resume=resume and unfinished,
                force=force,
                progress=progress,
            )
            if taught.interrupted:
                raise EdgecnnError(f"stopped by Ctrl-C while training the teacher in {file.parent}; --resume goes on")
    return teacher_module.ask(file, dataset, recipe, seed, progress.tell)


def _is_finished(path: Path, architecture: str, seed: int, dataset: Dataset) -> bool:
    """Whether `path` holds this teacher, trained to its end."""
    if not (path / "model.keras").exists() or not (path / "card.json").exists():
        return False
    found = ModelCard.load(path / "card.json").training
    wanted = (architecture, seed, dataset.sha256, len(dataset.train))
    return (
        found is not None
        and found.test_accuracy is not None
        and (found.architecture, found.seed, found.dataset_sha256, found.train_images) == wanted
    )


def _balanced(dataset: Dataset) -> npt.NDArray[np.float32]:
    """Weights that give every class the same say: images / (classes * images of the class)."""
    counts = np.bincount(dataset.train.labels, minlength=len(dataset.labels)).clip(min=1)
    return (len(dataset.train) / (len(dataset.labels) * counts)).astype(np.float32)


def estimate(
    dataset: Dataset, *, architecture: str = "reference", recipe: str | Recipe = "fast", seed: int = 0
) -> "Estimate":
    """Take three steps of a training and say what all of them will take; see `train`. Nothing is written.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        InputError: unknown recipe or architecture.
    """
    chosen = recipes.get(recipe) if isinstance(recipe, str) else recipe
    check_seed(seed)
    library = backend.choose()
    with captured_stderr():
        from .devices import data_parallel, processor
        from .fitting import estimate, fit

        device = processor.detect(library, data_parallel.Parallel())
    job = fit.Job(dataset, dataset.input, architecture, chosen, seed, device, Path())
    return estimate.rehearse(job)


def _result(
    path: Path, card: ModelCard, outcome: "Outcome", evaluation: Evaluation, device: str, process: int
) -> TrainingRun:
    return TrainingRun(
        path=path,
        card=_with_training(
            card,
            epochs=outcome.saved_epoch,
            test_images=evaluation.images,
            test_accuracy=evaluation.accuracy,
            test_loss=evaluation.loss,
        ),
        evaluation=evaluation,
        history=tuple(outcome.history),
        device=device,
        interrupted=outcome.interrupted,
        process=process,
    )


def _finish(result: TrainingRun) -> None:
    from . import plots

    result.card.save(result.path / "card.json")
    run_report.write_history(result.path, result.history)
    run_report.write_metrics(result)
    plots.draw(result)
    if not result.interrupted:
        (result.path / CHECKPOINT).unlink(missing_ok=True)


def _card(dataset: Dataset, architecture: str, recipe: str, seed: int) -> ModelCard:
    return ModelCard(
        name=f"{dataset.name}-{architecture}",
        labels=dataset.labels,
        input=dataset.input,
        quantization=Quantization("float32"),
        provenance=stamp(),
        training=Training(
            dataset.name, dataset.sha256, architecture, recipe, seed, epochs=0, train_images=len(dataset.train)
        ),
    )


def _with_training(card: ModelCard, **changes: Any) -> ModelCard:
    assert card.training is not None
    return dataclasses.replace(card, training=dataclasses.replace(card.training, **changes))
