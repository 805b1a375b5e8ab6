"""edgecnn evaluate."""

from typing import TYPE_CHECKING

import click

from edgecnn.rounding import round_apart

from .. import description_options, evaluated_model, options, printing
from ..delegate_options import audit
from ..named_data import require_named_data
from ..runtime_options import RuntimeOptions, bundled, require_signature

if TYPE_CHECKING:
    from edgecnn.arrays import Pixels
    from edgecnn.convert import KerasModel
    from edgecnn.device import Classifier, Description, Evaluation
    from edgecnn.device.min_score import MinScore
    from edgecnn.pixels.dataset import Dataset, Split
    from edgecnn.selective import SelectiveFigures

_OTHER = "--other takes a folder of images that are none of the classes"


@click.command(name="evaluate")
@click.argument("model")
@options.data
@options.data_dir
@options.min_accuracy
@options.min_score
@options.other
@description_options.bundled
@bundled
@audit
@require_signature
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    data: str | None,
    data_dir: str | None,
    min_accuracy: float | None,
    min_score: "MinScore | None",
    other: str | None,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Evaluate MODEL, a .keras or .tflite file or a bundled name, on the test images of a data set.

    Example: edgecnn evaluate runs/shoes/model.int8.tflite
    """
    from edgecnn.sanity import suspicions

    runner = evaluated_model.open_model(model, runtime_options, description)
    least = _resolve_min_score(min_score, runner, model, other is not None)
    require_named_data(data, runner.card, model)
    _require_other(other)
    dataset = options.load_dataset(data_dir, data, runner.input)
    dataset = evaluated_model.fit_dataset(runner, model, dataset, description)
    strangers = _read_other(other, runner, dataset)
    printing.note(f"evaluating on {len(dataset.test):,} test images from {dataset.source}")
    result, figures = _evaluate(runner, dataset.test, least, strangers)
    is_own = runner.card is not None and runner.card.training is not None
    warnings = [one.words for one in suspicions(result.confusion, dataset.labels, runner.input, is_own)]
    for words in warnings:
        printing.note(f"warning: {words}")
    if as_json:
        whole = {"images": result.images, "accuracy": result.accuracy, "loss": result.loss, "warnings": warnings}
        whole |= {"labels": dataset.labels, "confusion_matrix": result.confusion.tolist()}
        printing.print_json({**whole, **vars(figures)})
    else:
        _print(result, dataset.labels)
        _print_selective(figures)
    if min_accuracy is not None and 100 * result.accuracy < min_accuracy - 1e-9:
        found = round_apart(min_accuracy, 100 * result.accuracy)
        printing.note(f"Error: {found}% is below the {min_accuracy:g} % that are asked for (--min-accuracy)")
        ctx.exit(1)


def _print(result: "Evaluation", labels: "tuple[str, ...]") -> None:
    from edgecnn.metrics import most_confused

    printing.say(f"accuracy {result.accuracy:.2%}, loss {result.loss:.4f} on {result.images:,} test images")
    for true, predicted, count in most_confused(result):
        printing.say(f"  {count} times {labels[true]} taken for {labels[predicted]}")


def _print_selective(figures: "SelectiveFigures") -> None:
    printing.say(f"expected calibration error {figures.calibration_error:.1%}")
    if figures.min_score is not None:
        text = f"with a score of {figures.min_score:.4g} or more: {figures.answered:.2%} of the images"
        if figures.error is not None:
            low, high = printing.percent(figures.error_low), printing.percent(figures.error_high)
            text += f", {figures.error:.2%} of these answered wrongly (95 % interval {low} to {high})"
        printing.say(f"{text}; unknown: {1 - figures.answered:.2%}")
    if figures.auroc is None:
        return
    text = f"AUROC {figures.auroc:.3f}: so often has an image of the classes a higher score than one of the"
    text += f" {figures.other_images:,} others"
    if figures.min_score is not None:
        text += f"; {figures.other_answered:.2%} of these get a class, with {figures.min_score:.4g} or more"
    printing.say(text)


def _resolve_min_score(
    wanted: "MinScore | None", runner: "KerasModel | Classifier", model: str, has_other: bool
) -> float | None:
    """The score that is asked for; what takes other images for the classes' is told of the recommended one, too."""
    from edgecnn.device.min_score import resolve_min_score

    if wanted is not None:
        return resolve_min_score(wanted, runner.card, model)
    return runner.card.confidence.min_score if has_other and runner.card and runner.card.confidence else None


def _require_other(folder: str | None) -> None:
    """What can be told before the test images are read."""
    from edgecnn.pixels.folder_images import require_folder

    if folder is not None:
        require_folder(folder, _OTHER)


def _read_other(folder: str | None, runner: "KerasModel | Classifier", dataset: "Dataset") -> "Pixels | None":
    if folder is None:
        return None
    from edgecnn.pixels.folder_images import read_folder

    return read_folder(folder, runner.input, _OTHER, printing.note, strange_to=dataset)


def _evaluate(
    runner: "KerasModel | Classifier", split: "Split", least: float | None, other: "Pixels | None"
) -> "tuple[Evaluation, SelectiveFigures]":
    from edgecnn.confidence import Answers
    from edgecnn.metrics import evaluate_probabilities
    from edgecnn.selective import measure_selective

    answers = Answers(runner.predict_all(split.images), split.labels)
    figures = measure_selective(answers, least, None if other is None else runner.predict_all(other))
    return evaluate_probabilities(answers.probabilities, split.labels), figures
