"""edgecnn evaluate."""

from typing import TYPE_CHECKING

import click

from .. import description_options, evaluated_model, options, printing
from ..delegate_options import audit
from ..runtime_options import RuntimeOptions, bundled, require_signature

if TYPE_CHECKING:
    from edgecnn.device import Description, Evaluation


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
    from edgecnn.sanity import suspicions

    runner = evaluated_model.open_model(model, runtime_options, description)
    dataset = options.load_dataset(data_dir, data, runner.input)
    dataset = evaluated_model.fit_dataset(runner, model, dataset, description)
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
