"""Train a classifier and leave a run directory; imports TensorFlow only when called."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.card import InputSpec, ModelCard, Quantization, Training
from edgecnn.dataset import Dataset, check_seed
from edgecnn.errors import InputError
from edgecnn.extras import require_tensorflow
from edgecnn.metrics import Evaluation
from edgecnn.provenance import stamp
from edgecnn.quiet import captured_stderr, hush_tensorflow

from . import recipes, run
from .console import Silent
from .recipes import Recipe
from .run import TrainingRun

if TYPE_CHECKING:
    from .loop import Outcome, Progress


def input_spec(dataset: Dataset) -> InputSpec:
    """How images are fed to a network that is trained on `dataset`: its own size, pixels divided by 255.

    Fashion-MNIST shows the article large on black: others' photographs are padded to the same look.
    """
    height, width, channels = dataset.train.images.shape[1:]
    return InputSpec(
        height=height,
        width=width,
        channels=channels,
        colour="grayscale" if channels == 1 else "rgb",
        fit="pad",
        resize_filter="bilinear",
        scale=(1 / 255,) * channels,
        offset=(0.0,) * channels,
        background="dark",
    )


def train(
    output: str | Path,
    dataset: Dataset,
    *,
    architecture: str = "reference",
    recipe: str | Recipe = "fast",
    seed: int = 0,
    epochs: int | None = None,
    stop_at_accuracy: float | None = None,
    force: bool = False,
    progress: "Progress | None" = None,
) -> TrainingRun:
    """Train a network and write a run directory: model.keras, card.json, history and metrics with their pictures.

    Args:
        output: the run directory; created.
        dataset: images and labels; the order of `dataset.labels` is fixed in the card.
        architecture: a name from `edgecnn.train.architectures`.
        recipe: a name from `RECIPES`, or a recipe of your own.
        seed: of weights, shuffling and dropout; the same seed gives the same weights on the same machine.
        epochs: instead of the recipe's number; the learning-rate schedule is stretched to it.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
        force: replace a run that `output` holds, once the first epoch of this one has ended.
        progress: is told how it goes.

    Returns:
        The run; `interrupted` if Ctrl-C ended it after the first epoch.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        InputError: unknown recipe or architecture, or a number out of its range.
        OutputError: `output` exists or cannot be written.
        EdgecnnError: Ctrl-C before the first epoch ended.
    """
    require_tensorflow("edgecnn train")
    chosen = recipes.get(recipe) if isinstance(recipe, str) else recipe
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    if stop_at_accuracy is not None:
        chosen = dataclasses.replace(chosen, stop_at_accuracy=stop_at_accuracy)
    check_seed(seed)
    if not len(dataset.train) or not len(dataset.test):
        raise InputError(
            f"{dataset.name} must have training and test images; it has {len(dataset.train)} and {len(dataset.test)}"
        )
    hush_tensorflow()
    with captured_stderr():
        from . import architectures, hardware, loop

        device = hardware.detect()
    architectures.check(architecture)
    path = Path(output)
    created = run.prepare_folder(path, force)
    card = _card(dataset, architecture, chosen.name, seed)

    def save_card(epoch: int) -> None:
        if epoch == 1:
            run.remove_previous(path)
        _with_training(card, epochs=epoch).save(path / "card.json")

    try:
        job = loop.Job(dataset, card.input, architecture, chosen, seed, device, path / "model.keras")
        outcome = loop.fit(job, save_card, progress or Silent())
    finally:
        if created:
            run.remove_if_empty(path)
    evaluation = loop.evaluate(outcome.model, dataset.test, card.input)
    return _finish(path, card, outcome, evaluation, device.description)


def _finish(path: Path, card: ModelCard, outcome: "Outcome", evaluation: Evaluation, device: str) -> TrainingRun:
    from . import plots

    result = TrainingRun(
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
    )
    result.card.save(path / "card.json")
    run.write_history(path, result.history)
    run.write_metrics(result)
    plots.draw(result)
    return result


def _card(dataset: Dataset, architecture: str, recipe: str, seed: int) -> ModelCard:
    return ModelCard(
        name=f"{dataset.name}-{architecture}",
        labels=dataset.labels,
        input=input_spec(dataset),
        quantization=Quantization("float32"),
        provenance=stamp(),
        training=Training(
            dataset.name, dataset.sha256, architecture, recipe, seed, epochs=0, train_images=len(dataset.train)
        ),
    )


def _with_training(card: ModelCard, **changes: Any) -> ModelCard:
    assert card.training is not None
    return dataclasses.replace(card, training=dataclasses.replace(card.training, **changes))
