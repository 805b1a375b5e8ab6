"""edgecnn train."""

from typing import TYPE_CHECKING

import click

from . import options

if TYPE_CHECKING:
    from edgecnn.train import TrainingRun


@click.command(name="train")
@click.option(
    "--output", "-o", type=click.Path(file_okay=False), help="Run directory.  [default: runs/ARCHITECTURE-RECIPE]"
)
@click.option("--architecture", type=click.Choice(["reference"]), default="reference", show_default=True)
@click.option(
    "--recipe",
    type=click.Choice(["fast", "best", "notebook"]),
    default="fast",
    show_default=True,
    help="fast: 4 epochs; best: 24 epochs with flips and dropout; notebook: the tutorial's own training.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Of weights, shuffling and dropout."
)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's number.")
@click.option(
    "--stop-at-accuracy",
    type=click.FloatRange(0, 1, min_open=True),
    help="End after the first epoch whose training accuracy reaches this, such as 0.98.",
)
@click.option("--train-images", type=click.IntRange(10), help="Train on the first N images only, for a quick try.")
@options.data_dir
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    output: str | None,
    architecture: str,
    recipe: str,
    seed: int,
    epochs: int | None,
    stop_at_accuracy: float | None,
    train_images: int | None,
    data_dir: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Train a CNN on Fashion-MNIST.

    Writes a run directory: model.keras, card.json, history.csv, history.png, metrics.json, confusion.png.

    Example: edgecnn train --recipe fast --output runs/shoes
    """
    import dataclasses

    from edgecnn.extras import require_tensorflow

    require_tensorflow("edgecnn train")
    from edgecnn.train import RECIPES, train
    from edgecnn.train.console import Live
    from edgecnn.train.run import FILES

    dataset = options.load_dataset(data_dir)
    if train_images:
        if train_images > len(dataset.train):
            raise click.UsageError(f"--train-images {train_images}: there are {len(dataset.train)} only")
        dataset = dataclasses.replace(dataset, train=dataset.train.take(train_images))
    options.note(
        f"Fashion-MNIST from {dataset.source}: {len(dataset.train):,} training, {len(dataset.test):,} test images"
    )
    progress = Live(RECIPES[recipe].batch_size)
    try:
        run = train(
            output or f"runs/{architecture}-{recipe}",
            dataset,
            architecture=architecture,
            recipe=recipe,
            seed=seed,
            epochs=epochs,
            stop_at_accuracy=stop_at_accuracy,
            force=force,
            progress=progress,
        )
    finally:
        progress.close()
    if as_json:
        _print_json(run)
    else:
        evaluation = run.evaluation
        click.echo(
            f"test accuracy {evaluation.accuracy:.2%}, loss {evaluation.loss:.4f} on {evaluation.images:,} images"
        )
        click.echo(f"wrote {run.path}: {', '.join(FILES)}")
    if run.interrupted:
        saved = run.card.training.epochs if run.card.training else 0
        options.note(
            f"stopped by Ctrl-C after {len(run.history)} finished epoch(s); {run.model_path} is epoch {saved}, "
            "the best of them"
        )
        ctx.exit(1)


def _print_json(run: "TrainingRun") -> None:
    options.print_json(
        {
            "run": str(run.path),
            "accuracy": run.evaluation.accuracy,
            "loss": run.evaluation.loss,
            "epochs": len(run.history),
            "interrupted": run.interrupted,
            "device": run.device,
        }
    )
