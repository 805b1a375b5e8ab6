"""edgecnn train."""

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from .. import confidence_lines, options, printing, training_options
from ..given import first_given
from ..output_path import OutputPath
from ..training_options import DataOptions, RecipeOptions, RequestOptions
from ..wrong_usage import bad_options

if TYPE_CHECKING:
    from edgecnn.errors import EdgecnnError
    from edgecnn.pixels.dataset import Dataset
    from edgecnn.train import TrainingRun
    from edgecnn.train.fitting.estimate import Estimate
    from edgecnn.train.progress import Lines, TensorBoard
    from edgecnn.train.request import TrainingRequest


@click.command(name="train")
@click.option(
    "--output", "-o", type=OutputPath(file_okay=False), help="Run directory.  [default: runs/DATA-ARCHITECTURE-RECIPE]"
)
@training_options.training
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    output: str | None,
    recipe: str | None,
    width: float | None,
    data: DataOptions,
    changes: RecipeOptions,
    run: RequestOptions,
    tensorboard: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Train a CNN on Fashion-MNIST, or on your own images with --data.

    Writes a run directory: model.keras, card.json, history.csv, history.png, metrics.json, confusion.png, report.html.

    Example: edgecnn train --recipe fast --output runs/shoes
    """
    from edgecnn.train.devices import worker
    from edgecnn.train.devices.backend import choose_backend

    if run.distributed and not worker.is_worker():
        ctx.exit(worker.run_worker())
    choose_backend(run.devices or run.distributed)
    from edgecnn.errors import EdgecnnError
    from edgecnn.optional_packages import require_tensorboard
    from edgecnn.train import RECIPES, estimate, train
    from edgecnn.train.architectures import find_builder
    from edgecnn.train.backbones import with_width
    from edgecnn.train.data.quality import note_few_images
    from edgecnn.train.recipes import change_recipe, default_recipe
    from edgecnn.train.request import TrainingRequest
    from edgecnn.train.starting_weights import pretrained_weights

    _refuse_contradictions(run, dry_run)
    run = dataclasses.replace(run, architecture=with_width(run.architecture, width))
    find_builder(run.architecture)  # before images are read in vain
    recipe = recipe or default_recipe(pretrained_weights(run.architecture, run.weights))
    changed_recipe = change_recipe(RECIPES[recipe], **changes.changes(ctx.params))
    request = TrainingRequest(recipe=changed_recipe, **dataclasses.asdict(run))
    if not dry_run and not run.resume:
        _require_beside(output, data.data)
    if tensorboard and not dry_run:
        require_tensorboard()
    _require_ready(request, None if dry_run else output)
    dataset = _load(data, run.architecture)
    if request.pretrained is None and run.teacher is None and data.data not in (None, "fashion-mnist"):
        note_few_images(dataset, run.architecture, printing.note)
    if dry_run:
        _print_estimate(estimate(dataset, request), as_json)
        return
    network = Path(run.architecture).stem if ".py:" in run.architecture else run.architecture
    output = output or f"runs/{dataset.name}-{network}-{recipe}"
    progress = _progress(Path(output) if tensorboard else None)
    try:
        result = train(output, dataset, request, progress=progress)
    except EdgecnnError as error:
        progress.close()
        _fail(error, run.distributed)
    finally:
        progress.close()
    if result.process and not result.interrupted:
        printing.note(f"process {result.process} of the job is done; process 0 has written the run")
        return
    _print_run(result, as_json)
    if result.interrupted:
        _fail_interrupted(ctx, result, run.distributed)


def _refuse_contradictions(run: RequestOptions, dry_run: bool) -> None:
    if dry_run and (run.teacher or run.devices or run.distributed):
        raise click.UsageError("--dry-run estimates a training on one device without its teacher; leave the others out")
    if run.resume and run.force:
        raise click.UsageError("--resume goes on with the training that --force replaces; leave one of them out")


def _require_beside(output: str | None, data: str | None) -> None:
    """Make sure that the run does not lie in the data: the next time, its folder would be taken for a class.

    Raises:
        click.UsageError: it would.
    """
    from edgecnn.train.data.idx import is_folder_of_idx

    labelled = options.label_source()
    if labelled is not None and labelled.csv:  # which names its images
        return
    if data in (None, "fashion-mnist") or not Path(str(data)).is_dir() or is_folder_of_idx(Path(str(data))):
        return
    if Path(output or "runs").resolve().is_relative_to(Path(str(data)).resolve()):
        raise click.UsageError(
            f"the run directory {output or 'runs/…'} would lie in the data, {data}, and be taken for images of it the "
            "next time; give another --output, beside the data"
        )


def _require_ready(request: "TrainingRequest", output: str | None) -> None:
    """What can be told before images are read: files that are missing, and others that are in the way."""
    from edgecnn.run_directory import RunDirectory
    from edgecnn.train.architectures import find_builder
    from edgecnn.train.backbones import find_backbone
    from edgecnn.train.run_report import check_free
    from edgecnn.train.teachers import require_same_values

    request.require_files()
    if request.teacher_architecture:
        find_builder(request.teacher_architecture)
        backbone = find_backbone(request.architecture)
        scale, offset = backbone.row.values if backbone else ((), ())
        require_same_values(request.teacher_architecture, scale, offset)
    if output:
        check_free(RunDirectory(Path(output)), request.replaces)


def _load(data: DataOptions, architecture: str) -> "Dataset":
    from edgecnn.train.data.loading import InputChoice, require_effect
    from edgecnn.train.data.quality import describe_classes

    own = data.data not in (None, "fashion-mnist")
    choice = InputChoice(data.image_size, data.color, data.fit, architecture)
    most = data.max_corrupt or int(bool(first_given("max_corrupt")))  # 0, if given, says as much as any other
    with bad_options():
        require_effect(data.data, choice, most)
    dataset = options.load_dataset(data.data_dir, data.data, choice, data.max_corrupt)
    if data.train_images:
        if data.train_images > len(dataset.train):
            raise click.UsageError(f"--train-images {data.train_images}: there are {len(dataset.train)} only")
        if data.train_images < len(dataset.labels):
            raise click.UsageError(
                f"--train-images {data.train_images}: there are {len(dataset.labels)} classes; give as many or more"
            )
        dataset = dataclasses.replace(dataset, train=dataset.train.sample(data.train_images))
    printing.note(
        f"{dataset.name} from {dataset.source}: {len(dataset.train):,} training, {len(dataset.test):,} test images"
    )
    if own:
        printing.note(describe_classes(dataset))
    return dataset


def _progress(tensorboard_of: Path | None) -> "Lines | TensorBoard":
    """What tells people how it goes; TensorBoard's files are written into the run directory `tensorboard_of`."""
    from edgecnn.run_directory import RunDirectory
    from edgecnn.train.progress import Lines, Live, TensorBoard

    lines = (Live if sys.stderr.isatty() else Lines)()
    if tensorboard_of is None:
        return lines
    return TensorBoard(lines, RunDirectory(tensorboard_of).tensorboard)


def _fail(error: "EdgecnnError", distributed: bool) -> NoReturn:
    from edgecnn.train.devices.worker import exit_worker

    if distributed:
        exit_worker(error)
    raise error


def _fail_interrupted(ctx: click.Context, run: "TrainingRun", distributed: bool) -> NoReturn:
    from edgecnn.errors import EdgecnnError

    saved = run.card.training.epochs if run.card.training else 0
    printing.note(
        f"stopped by Ctrl-C after {len(run.history)} finished epoch(s); {run.model_path} is epoch {saved}, "
        "the best of them"
    )
    if distributed:
        _fail(EdgecnnError("the job was stopped; --resume goes on"), distributed)
    ctx.exit(1)


def _print_estimate(estimate: "Estimate", as_json: bool) -> None:
    if as_json:
        printing.print_json(dataclasses.asdict(estimate))
        return
    steps = f"{estimate.steps:,} step(s) of {estimate.step_ms:.1f} ms"
    if estimate.features_seconds:
        steps = f"features in {_duration(estimate.features_seconds)}, then {steps}"
    if estimate.start_seconds >= 1:
        steps += f", and {_duration(estimate.start_seconds)} to build what computes them"
    printing.say(f"{estimate.parameters:,} parameters, {steps}: about {_duration(estimate.seconds)}")
    memory = "" if estimate.peak_mib is None else f"memory {estimate.peak_mib:,} MiB; "
    printing.say(f"{memory}nothing was written")


def _duration(seconds: float) -> str:
    if seconds < 9.5:
        return f"{seconds:.2g} s"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} minutes"


def _print_run(run: "TrainingRun", as_json: bool) -> None:
    evaluation = run.evaluation
    if as_json:
        printing.print_json(
            {
                "run": str(run.path),
                "accuracy": evaluation.accuracy,
                "loss": evaluation.loss,
                "epochs": len(run.history),
                "interrupted": run.interrupted,
                "device": run.device,
                "verdict": run.verdict,
                "confidence": dataclasses.asdict(run.card.confidence) if run.card.confidence else None,
            }
        )
        return
    printing.say(f"test accuracy {evaluation.accuracy:.2%}, loss {evaluation.loss:.4f} on {evaluation.images:,} images")
    printing.say(run.verdict)
    for line in confidence_lines.lines(run.card.confidence, run.doubt):
        printing.say(line)
    printing.say(f"wrote {run.path}: {', '.join(path.name for path in run.folder.training_files if path.exists())}")
