"""edgecnn train."""

import dataclasses
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import options, printing

if TYPE_CHECKING:
    from edgecnn.pixels.input_spec import Colour, Fit
    from edgecnn.train import TrainingRun
    from edgecnn.train.fitting.estimate import Estimate


def _size(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """`64` or `48x64` as (height, width)."""
    if value is None:
        return None
    match = re.fullmatch(r"([1-9]\d*)(?:x([1-9]\d*))?", value)
    if not match:
        raise click.BadParameter(f"{value} is neither a number of pixels nor HEIGHTxWIDTH, such as 64 or 48x64")
    return int(match[1]), int(match[2] or match[1])


def remedies(command: Callable[..., None]) -> Callable[..., None]:
    """The options against overfitting: each replaces a field of the recipe that is called the same."""
    share = click.FloatRange(0, 1, max_open=True)
    for option in (
        click.option(
            "--augment",
            multiple=True,
            type=click.Choice(["flip", "shift", "rotate", "zoom", "erase"]),
            help="Change training images at random; may be repeated.",
        ),
        click.option("--dropout", type=share, help="Share of inputs dropped before every dense layer."),
        click.option("--l2", type=click.FloatRange(0), help="Factor of the squared kernels added to the loss."),
        click.option("--label-smoothing", type=share, help="Share of the target spread over all classes."),
        click.option("--validation-split", type=share, help="Share of training images held back to choose the epoch."),
        click.option(
            "--early-stopping",
            type=click.IntRange(1),
            metavar="EPOCHS",
            help="End when validation accuracy has not risen for so many epochs; needs --validation-split.",
        ),
        click.option(
            "--stop-at-accuracy",
            type=click.FloatRange(0, 1, min_open=True),
            help="End after the first epoch whose training accuracy reaches this, such as 0.98.",
        ),
    ):
        command = option(command)
    return command


@click.command(name="train")
@click.option(
    "--output", "-o", type=click.Path(file_okay=False), help="Run directory.  [default: runs/DATA-ARCHITECTURE-RECIPE]"
)
@click.option(
    "--architecture",
    default="reference",
    show_default=True,
    help="reference, compact, residual, or FILE.py:function that builds a Keras model.",
)
@click.option(
    "--recipe",
    type=click.Choice(["fast", "best", "notebook"]),
    default="fast",
    show_default=True,
    help="fast: a few epochs; best: many, for use with --teacher; notebook: the tutorial's own training.",
)
@click.option(
    "--teacher",
    metavar="FILE.keras|ARCHITECTURE",
    help="Distil from a larger network; an architecture is trained first.",
)
@remedies
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of weights, shuffling and dropout."
)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's number.")
@click.option(
    "--train-images", type=click.IntRange(10), help="Train on N images only, of every class as many, for a quick try."
)
@click.option("--class-weights", is_flag=True, help="Give rare classes the same say as frequent ones.")
@click.option("--devices", is_flag=True, help="Train on all accelerators of this computer, with JAX.")
@click.option("--distributed", is_flag=True, help="Train in all processes of a job, with JAX; start each like this.")
@click.option("--tensorboard", is_flag=True, help="Write each epoch's figures for TensorBoard too.")
@click.option("--resume", is_flag=True, help="Go on after the last finished epoch, with the options as they were.")
@click.option("--dry-run", is_flag=True, help="Take three steps, print what all will take, and write nothing.")
@options.data
@click.option(
    "--image-size",
    metavar="N|HEIGHTxWIDTH",
    callback=_size,
    help="Of the network's input, with --data.  [default: 64 for a folder, else that of the images]",
)
@click.option(
    "--color",
    type=click.Choice(["rgb", "grayscale"]),
    help="With --data.  [default: rgb for a folder, else that of the images]",
)
@click.option(
    "--fit",
    type=click.Choice(["crop", "pad", "stretch"]),
    help="How other aspect ratios are made to fit, with --data.  [default: crop for a folder, else pad]",
)
@click.option(
    "--max-corrupt",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Unreadable files of --data to leave out.",
)
@options.data_dir
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    output: str | None,
    architecture: str,
    recipe: str,
    teacher: str | None,
    seed: int,
    train_images: int | None,
    class_weights: bool,
    devices: bool,
    distributed: bool,
    tensorboard: bool,
    resume: bool,
    dry_run: bool,
    data: str | None,
    image_size: tuple[int, int] | None,
    color: "Colour | None",
    fit: "Fit | None",
    max_corrupt: int,
    data_dir: str | None,
    force: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train a CNN on Fashion-MNIST, or on your own images with --data.

    Writes a run directory: model.keras, card.json, history.csv, history.png, metrics.json, confusion.png.

    Example: edgecnn train --recipe fast --output runs/shoes
    """
    from edgecnn.errors import EdgecnnError
    from edgecnn.optional_packages import require_tensorboard
    from edgecnn.train.devices import worker
    from edgecnn.train.devices.backend import choose

    if distributed and not worker.is_child():
        ctx.exit(worker.run_in_child())
    choose(devices or distributed)
    from edgecnn.train import RECIPES, estimate, train
    from edgecnn.train.data.loading import InputChoice
    from edgecnn.train.progress import Lines, Live, TensorBoard
    from edgecnn.train.recipes import changed
    from edgecnn.train.run_report import FILES, TENSORBOARD

    if data in (None, "fashion-mnist"):
        _refuse_without_data(ctx)
    dataset = options.load_dataset(data_dir, data, InputChoice(image_size, color, fit), max_corrupt)
    if train_images:
        if train_images > len(dataset.train):
            raise click.UsageError(f"--train-images {train_images}: there are {len(dataset.train)} only")
        dataset = dataclasses.replace(dataset, train=dataset.train.sample(train_images))
    printing.note(
        f"{dataset.name} from {dataset.source}: {len(dataset.train):,} training, {len(dataset.test):,} test images"
    )
    given = {name: value for name, value in changes.items() if value not in (None, ())}
    chosen = changed(RECIPES[recipe], **given)
    if dry_run and (teacher or devices or distributed):
        raise click.UsageError("--dry-run estimates a training on one device without its teacher; leave the others out")
    if dry_run:
        _print_estimate(estimate(dataset, architecture=architecture, recipe=chosen, seed=seed), as_json)
        return
    output = output or f"runs/{dataset.name}-{Path(architecture).stem}-{recipe}"
    progress: Any = (Live if sys.stderr.isatty() else Lines)(chosen.batch_size)
    if tensorboard:
        require_tensorboard()
        progress = TensorBoard(progress, Path(output) / TENSORBOARD)
    try:
        run = train(
            output,
            dataset,
            architecture=architecture,
            recipe=chosen,
            seed=seed,
            teacher=teacher,
            class_weights=class_weights,
            devices=devices,
            distributed=distributed,
            resume=resume,
            force=force,
            progress=progress,
        )
    except EdgecnnError as error:
        if not distributed:
            raise
        progress.close()
        worker.leave(error)
    finally:
        progress.close()
    if run.process and not run.interrupted:
        printing.note(f"process {run.process} of the job is done; process 0 has written the run")
        return
    if as_json:
        _print_json(run)
    else:
        evaluation = run.evaluation
        click.echo(
            f"test accuracy {evaluation.accuracy:.2%}, loss {evaluation.loss:.4f} on {evaluation.images:,} images"
        )
        click.echo(run.verdict)
        click.echo(f"wrote {run.path}: {', '.join(FILES)}")
    if run.interrupted:
        saved = run.card.training.epochs if run.card.training else 0
        printing.note(
            f"stopped by Ctrl-C after {len(run.history)} finished epoch(s); {run.model_path} is epoch {saved}, "
            "the best of them"
        )
        if distributed:
            worker.leave(EdgecnnError("the job was stopped; --resume goes on"))
        ctx.exit(1)


def _print_estimate(found: "Estimate", as_json: bool) -> None:
    if as_json:
        printing.print_json(dataclasses.asdict(found))
        return
    minutes = found.seconds / 60
    click.echo(
        f"{found.parameters:,} parameters, {found.steps:,} steps of {found.step_ms:.1f} ms: about {minutes:.1f} minutes"
    )
    click.echo(f"memory {found.peak_mib:,} MiB; nothing was written")


def _refuse_without_data(ctx: click.Context) -> None:
    for name in ("image_size", "color", "fit", "max_corrupt"):
        if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --data; Fashion-MNIST is 28 x 28 grayscale")


def _print_json(run: "TrainingRun") -> None:
    printing.print_json(
        {
            "run": str(run.path),
            "accuracy": run.evaluation.accuracy,
            "loss": run.evaluation.loss,
            "epochs": len(run.history),
            "interrupted": run.interrupted,
            "device": run.device,
            "verdict": run.verdict,
        }
    )
