"""Train a classifier and leave a run directory; imports TensorFlow only when called."""

import dataclasses
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.card import InputSpec, ModelCard, Provenance, Quantization, Training
from edgecnn.dataset import Dataset
from edgecnn.extras import require_tensorflow
from edgecnn.quiet import captured_stderr, hush_tensorflow

from . import recipes, run
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
    path = Path(output)
    hush_tensorflow()
    with captured_stderr():
        from . import hardware, loop, plots
        from .console import Silent

        device = hardware.detect()
    run.prepare_folder(path, force)
    spec = input_spec(dataset)
    card = ModelCard(
        name=f"{dataset.name}-{architecture}",
        labels=dataset.labels,
        input=spec,
        quantization=Quantization("float32"),
        provenance=_provenance(),
        training=Training(dataset.name, dataset.sha256, architecture, recipe, seed, epochs=0, test_images=0),
    )

    def save_card(epoch: int, accuracy: float | None = None, loss: float | None = None) -> ModelCard:
        assert card.training is not None
        images = 0 if accuracy is None else len(dataset.test)
        training = dataclasses.replace(
            card.training, epochs=epoch, test_images=images, test_accuracy=accuracy, test_loss=loss
        )
        saved = dataclasses.replace(card, training=training)
        saved.save(path / "card.json")
        return saved

    try:
        outcome = loop.fit(
            dataset, spec, architecture, chosen, seed, device, path / "model.keras", save_card, progress or Silent()
        )
    finally:
        run.remove_if_empty(path)
    evaluation = loop.evaluate(outcome.model, dataset.test, spec)
    result = TrainingRun(
        path=path,
        card=save_card(outcome.saved_epoch, evaluation.accuracy, evaluation.loss),
        evaluation=evaluation,
        history=tuple(outcome.history),
        device=device.description,
        interrupted=outcome.interrupted,
    )
    run.write_history(path, result.history)
    run.write_metrics(result)
    plots.draw_history(result)
    plots.draw_confusion(result)
    return result


def _provenance() -> Provenance:
    return Provenance(
        edgecnn=version("edgecnn"),
        keras=version("keras"),
        tensorflow=version("tensorflow"),
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )
