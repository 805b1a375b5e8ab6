"""Train a classifier and leave a run directory; imports TensorFlow only when called."""

import dataclasses
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.card import InputSpec, ModelCard, Provenance, Quantization, Training
from edgecnn.dataset import Dataset
from edgecnn.extras import require_tensorflow
from edgecnn.quiet import captured_stderr, hush_tensorflow

from . import recipes, run
from .console import Silent
from .run import TrainingRun

if TYPE_CHECKING:
    from .loop import Progress


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
    recipe: str = "fast",
    seed: int = 0,
    epochs: int | None = None,
    force: bool = False,
    progress: "Progress | None" = None,
) -> TrainingRun:
    """Train a network and write a run directory: model.keras, card.json, history and metrics with their pictures.

    Args:
        output: the run directory; created.
        dataset: images and labels; the order of `dataset.labels` is fixed in the card.
        architecture: a name from `edgecnn.train.architectures`.
        recipe: a name from `edgecnn.train.recipes`.
        seed: of weights, shuffling and dropout; the same seed gives the same weights on the same machine.
        epochs: instead of the recipe's number; the learning-rate schedule is stretched to it.
        force: replace a run that `output` holds.
        progress: is told how it goes.

    Returns:
        The run; `interrupted` if Ctrl-C ended it after the first epoch.

    Raises:
        MissingExtraError: TensorFlow is not installed.
        InputError: unknown recipe or architecture.
        OutputError: `output` exists or cannot be written.
        EdgecnnError: Ctrl-C before the first epoch ended.
    """
    require_tensorflow("edgecnn train")
    chosen = recipes.get(recipe)
    if epochs is not None:
        chosen = dataclasses.replace(chosen, epochs=epochs)
    hush_tensorflow()
    with captured_stderr():
        from . import architectures, hardware, loop, plots

        device = hardware.detect()
    architectures.check(architecture)
    path = Path(output)
    run.prepare_folder(path, force)
    card = _card(dataset, architecture, recipe, seed)

    def save_card(epoch: int) -> None:
        _with_training(card, epochs=epoch).save(path / "card.json")

    try:
        outcome = loop.fit(
            dataset,
            card.input,
            architecture,
            chosen,
            seed,
            device,
            path / "model.keras",
            save_card,
            progress or Silent(),
        )
    finally:
        run.remove_if_empty(path)
    evaluation = loop.evaluate(outcome.model, dataset.test, card.input)
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
        device=device.description,
        interrupted=outcome.interrupted,
    )
    result.card.save(path / "card.json")
    run.write_history(path, result.history)
    run.write_metrics(result)
    plots.draw_history(result)
    plots.draw_confusion(result)
    return result


def _card(dataset: Dataset, architecture: str, recipe: str, seed: int) -> ModelCard:
    return ModelCard(
        name=f"{dataset.name}-{architecture}",
        labels=dataset.labels,
        input=input_spec(dataset),
        quantization=Quantization("float32"),
        provenance=Provenance(
            edgecnn=version("edgecnn"),
            keras=version("keras"),
            tensorflow=version("tensorflow"),
            created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        ),
        training=Training(dataset.name, dataset.sha256, architecture, recipe, seed, epochs=0),
    )


def _with_training(card: ModelCard, **changes: Any) -> ModelCard:
    assert card.training is not None
    return dataclasses.replace(card, training=dataclasses.replace(card.training, **changes))
