"""edgecnn evaluate."""

from typing import TYPE_CHECKING

import click

from .. import description_options, options, printing
from ..delegate_options import audit
from ..runtime_options import RuntimeOptions, bundled, refuse_for_keras, require_signature

if TYPE_CHECKING:
    from edgecnn.convert import KerasModel
    from edgecnn.device import Classifier, Description, Evaluation
    from edgecnn.pixels.dataset import Dataset


@click.command(name="evaluate")
@click.argument("model")
@options.data
@options.data_dir
@options.min_accuracy
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
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Evaluate MODEL, a .keras or .tflite file or a bundled name, on the test images of a data set.

    Example: edgecnn evaluate runs/shoes/model.int8.tflite
    """
    from edgecnn.errors import ModelFileError
    from edgecnn.sanity import suspicions

    runner = _open_runner(model, runtime_options, description)
    dataset = options.load_dataset(data_dir, data, runner.input)
    if runner.input.shape != dataset.test.images.shape[1:]:
        shape = dataset.test.images.shape[1:]
        raise ModelFileError(
            f"{model} takes images of shape {runner.input.shape}, the test set {shape}; name its data set with --data"
        )
    if _is_named(runner, description):
        dataset = _ordered_as(runner.labels, dataset, model)
    elif len(runner.labels) != len(dataset.labels):
        raise ModelFileError(
            f"{model} has {len(runner.labels):,} labels without names, the test set {len(dataset.labels):,}; name its "
            "data with --data"
        )
    printing.note(f"evaluating on {len(dataset.test):,} test images from {dataset.source}")
    result = runner.evaluate(dataset.test)
    is_own = runner.card is not None and runner.card.training is not None
    warnings = [one.words for one in suspicions(result.confusion, dataset.labels, runner.input, is_own)]
    for words in warnings:
        printing.note(f"warning: {words}")
    if as_json:
        figures = {"images": result.images, "accuracy": result.accuracy, "loss": result.loss, "warnings": warnings}
        printing.print_json({**figures, "labels": dataset.labels, "confusion_matrix": result.confusion.tolist()})
    else:
        _print(result, dataset.labels)
    if min_accuracy is not None and 100 * result.accuracy < min_accuracy - 1e-9:
        printing.note(
            f"Error: {result.accuracy:.2%} is below the {min_accuracy:g} % that are asked for (--min-accuracy)"
        )
        ctx.exit(1)


def _print(result: "Evaluation", labels: "tuple[str, ...]") -> None:
    from edgecnn.metrics import most_confused

    printing.say(f"accuracy {result.accuracy:.2%}, loss {result.loss:.4f} on {result.images:,} test images")
    for true, predicted, count in most_confused(result):
        printing.say(f"  {count} times {labels[true]} taken for {labels[predicted]}")


def _ordered_as(labels: "tuple[str, ...]", dataset: "Dataset", model: str) -> "Dataset":
    """`dataset` with its classes numbered as those of the model, which says what it is trained on by their names."""
    from edgecnn.errors import ModelFileError

    strange = [name for name in dataset.labels if name not in labels]
    if strange:
        raise ModelFileError(
            f"{model} has no label {strange[0]!r}, which the test set from {dataset.source} has; its labels are "
            f"{_few(labels)}: name its data with --data, its folders called as these labels are"
        )
    if dataset.labels != labels:
        printing.note(
            f"the {len(dataset.labels):,} classes of the test set are found among the {len(labels):,} labels by name"
        )
    return dataset.ordered_as(labels)


def _few(labels: "tuple[str, ...]") -> str:
    return ", ".join(labels) if len(labels) <= 12 else f"{', '.join(labels[:12])} and {len(labels) - 12:,} more"


def _is_named(runner: "KerasModel | Classifier", description: "Description | None") -> bool:
    """Whether its labels are names, not the indices of a file that says nothing."""
    said = description is not None and description.labels is not None
    return said or runner.card is not None or runner.labels != tuple(map(str, range(len(runner.labels))))


def _open_runner(
    model: str, runtime_options: RuntimeOptions, description: "Description | None"
) -> "KerasModel | Classifier":
    if model.endswith(".keras"):
        refuse_for_keras()
        description_options.refuse_for_keras(description)
        from edgecnn.convert import KerasModel

        return KerasModel(model)
    from edgecnn.device import Classifier

    run = runtime_options.run_options(description)
    classifier = Classifier.with_options(model, run)
    runtime_options.report(model, run)
    return classifier
