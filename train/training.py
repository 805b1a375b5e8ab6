"""Train a classifier and leave a run directory; imports TensorFlow only when called."""

import contextlib
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.arguments import require_kind, require_path
from edgecnn.arrays import Pixels
from edgecnn.errors import EdgecnnError, InputError
from edgecnn.model_file.card import ModelCard, Quantization, Training
from edgecnn.model_file.provenance import stamp
from edgecnn.native_output import captured_stderr
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.folder_images import read_folder
from edgecnn.run_directory import RunDirectory

from . import run_report
from .devices.backend import choose_backend
from .progress import Silent, TrainingProgress
from .request import OTHER_IMAGES, TrainingRequest, complete_request, require_images
from .run_report import TrainingRun
from .starting_weights import IMAGENET

if TYPE_CHECKING:
    from typing import Unpack  # of Python 3.11, which training needs; data sets are read on devices with 3.10 too

    from .devices.data_parallel import Parallel
    from .devices.processor import Processor
    from .distillation import TeacherAnswers
    from .fitting.estimate import Estimate
    from .fitting.setup import TrainingSetup
    from .request import TrainingOptions


def train(
    output: str | Path,
    dataset: Dataset,
    request: TrainingRequest | None = None,
    *,
    progress: TrainingProgress | None = None,
    **options: "Unpack[TrainingOptions]",
) -> TrainingRun:
    """Train a network and write a run directory: model.keras, card.json, history and metrics with their pictures.

    Args:
        output: the run directory; created.
        dataset: images and labels; the order of `dataset.labels` is fixed in the card.
        request: how to train; by default a `TrainingRequest()`.
        progress: is told how it goes.
        **options: fields of `TrainingRequest`, in place of those of `request`: `architecture`, `recipe`, `weights`,
            `freeze`, `seed`, `epochs`, `stop_at_accuracy`, `teacher`, `class_weights`, `other`, `devices`,
            `distributed`, `resume`, `force`.

    Returns:
        The run; `interrupted` if Ctrl-C ended it after the first epoch.

    Raises:
        MissingExtraError: TensorFlow, or for several devices JAX, is not installed.
        InputError: unknown recipe or architecture, a number out of its range, or an incomplete description of a job.
        OutputError: `output` exists or cannot be written.
        ModelFileError: nothing to resume, no file of weights, or a teacher that does not fit.
        EdgecnnError: Ctrl-C before the first epoch ended, a loss that is no number, or a process of the job was lost.
    """
    require_kind(dataset, Dataset, "dataset")
    request, folder = complete_request(request, options), RunDirectory(require_path(output, "a run directory"))
    recipe = request.final_recipe()
    request.require_files()
    require_images(request, dataset)
    library = choose_backend(request.devices or request.distributed)
    run_report.check_free(folder, request.replaces)  # before others wait for this process
    with captured_stderr():
        from . import architectures
        from .devices.data_parallel import start_parallel
        from .devices.processor import detect_processor

        parallel = start_parallel(request.devices, request.distributed)
        processor = detect_processor(library, parallel)
    if recipe.batch_size % parallel.devices:
        raise InputError(f"batches of {recipe.batch_size} cannot be divided among {parallel.devices} devices evenly")
    # Before a teacher is trained in vain. Noise is not divided among several devices.
    check = architectures.require_classifier if parallel.devices == 1 else architectures.build_network
    check(request.architecture, dataset.input.shape, len(dataset.labels))
    listener = progress if progress and parallel.is_main else Silent()
    if processor.note:
        listener.tell(processor.note)
    other = None
    if request.other:
        other = read_folder(request.other, dataset.input, OTHER_IMAGES, listener.tell, strange_to=dataset)
    with run_report.claimed_folder(folder, request.replaces) if parallel.is_main else contextlib.nullcontext():
        setup = _setup(folder, dataset, request, processor, parallel, listener)
        return _fit(setup, request, listener, other)


def estimate(
    dataset: Dataset, request: TrainingRequest | None = None, **options: "Unpack[TrainingOptions]"
) -> "Estimate":
    """Take three steps of a training and say what all of them will take; nothing is written.

    Args:
        dataset: images and labels.
        request: how to train; by default a `TrainingRequest()`.
        **options: fields of `TrainingRequest`, in place of those of `request`; see `train`.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        InputError: unknown recipe or architecture, or a training with a teacher or on several devices.
        ModelFileError: no file of weights, or of another architecture.
        DataError: no folder of other images.
    """
    require_kind(dataset, Dataset, "dataset")
    request = complete_request(request, options)
    if request.teacher or request.devices or request.distributed:
        raise InputError("an estimate is of a training on one device without its teacher; leave the others out")
    request.require_files()
    require_images(request, dataset)
    library = choose_backend()
    with captured_stderr():
        from .architectures import require_classifier
        from .devices.data_parallel import Parallel
        from .devices.processor import detect_processor
        from .fitting.estimate import estimate_training
        from .fitting.setup import TrainingSetup

        processor = detect_processor(library, Parallel())
    require_classifier(request.architecture, dataset.input.shape, len(dataset.labels))
    weights = None if request.pretrained == IMAGENET else request.pretrained  # none is downloaded for three steps
    return estimate_training(
        TrainingSetup(
            dataset,
            request.architecture,
            request.final_recipe(),
            request.seed,
            processor,
            RunDirectory(Path()),
            weights=weights,
            freeze=request.freeze,
        )
    )


def _setup(
    folder: RunDirectory,
    dataset: Dataset,
    request: TrainingRequest,
    processor: "Processor",
    parallel: "Parallel",
    progress: TrainingProgress,
) -> "TrainingSetup":
    from .fitting.setup import TrainingSetup, balance_classes

    return TrainingSetup(
        dataset=dataset,
        architecture=request.architecture,
        recipe=request.final_recipe(),
        seed=request.seed,
        processor=processor,
        folder=folder,
        parallel=parallel,
        resume=request.resume and not _has_only_a_teacher(folder),
        teacher_answers=_teach(folder, dataset, request, processor, progress) if request.teacher else None,
        class_weights=balance_classes(dataset) if request.class_weights else None,
        weights=request.pretrained,
        freeze=request.freeze,
    )


def _has_only_a_teacher(folder: RunDirectory) -> bool:
    """Whether an interrupted run got no further than its teacher."""
    return folder.teacher.path.is_dir() and not folder.checkpoint.exists() and not folder.model.exists()


def _teach(
    folder: RunDirectory,
    dataset: Dataset,
    request: TrainingRequest,
    processor: "Processor",
    progress: TrainingProgress,
) -> "TeacherAnswers":
    """What the teacher says of the training images; a teacher that is an architecture is trained first."""
    from . import distillation

    teacher = str(request.teacher)
    file = Path(teacher)
    if file.suffix != ".keras":
        teacher_run = folder.teacher
        file, unfinished = teacher_run.model, teacher_run.checkpoint.exists()
        wanted = TrainingRequest(
            architecture=teacher,
            recipe=distillation.RECIPE,
            seed=request.seed,
            resume=request.resume and unfinished,
            force=request.force,
        )
        identity = (teacher_run, teacher, request.seed, dataset)
        if unfinished or not request.resume or not distillation.is_trained(*identity):
            run = train(teacher_run.path, dataset, wanted, progress=progress)
            if run.interrupted:
                raise EdgecnnError(
                    f"stopped by Ctrl-C while training the teacher in {teacher_run.path}; --resume goes on"
                )
    recipe = request.final_recipe()
    bfloat16 = recipe.bfloat16 and processor.bfloat16
    return distillation.query_teacher(file, dataset, recipe, request.seed, progress.tell, bfloat16=bfloat16)


def _fit(
    setup: "TrainingSetup", request: TrainingRequest, progress: TrainingProgress, other: Pixels | None
) -> TrainingRun:
    """Train, keep card.json in step with model.keras, and evaluate what was saved last."""
    from .finishing import finish
    from .fitting.fit import fit

    dataset, folder, words = setup.dataset, setup.folder, request.recipe_words()
    started = Training(
        dataset.name, dataset.sha256, setup.architecture, words, setup.seed, epochs=0, train_images=len(dataset.train)
    )
    card = ModelCard(
        name=f"{dataset.name}-{setup.architecture}",
        labels=dataset.labels,
        input=dataset.input,
        quantization=Quantization("float32"),
        provenance=stamp(),
        training=started,
    )

    def save_card(epoch: int) -> None:
        saved = dataclasses.replace(started, epochs=epoch)
        dataclasses.replace(card, training=saved).save(folder.card)
        run_report.remove_previous(folder, is_resumed=epoch > 1)

    return finish(setup, card, started, fit(setup, save_card, progress), other, progress.tell)
