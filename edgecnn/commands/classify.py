"""edgecnn classify."""

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from . import options, running

if TYPE_CHECKING:
    from edgecnn.device import Prediction
    from edgecnn.preprocessing import Invert, Prepared


@click.command(name="classify")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many classes to name.")
@options.invert
@running.choices
@click.option("--trust", is_flag=True, help="Open a file without a card at once, not in a child process first.")
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    top: int,
    invert: "Invert",
    trust: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Classify IMAGES with MODEL, a .tflite file or the name of a bundled model (fashion-mnist).

    IMAGES are files, glob patterns, folders, or - for standard input.

    Example: edgecnn classify fashion-mnist photos/ --top 3
    """
    from edgecnn.device import Classifier

    classifier = Classifier(model, trust=trust, **running.arguments(values))
    running.report(model, values)
    results: list[dict[str, Any]] = []
    failed = False

    def report(name: str, error: Exception) -> None:
        nonlocal failed
        failed = True
        options.note(f"Error: {error}")
        results.append({"image": name, "error": str(error)})

    for name, prepared in options.prepared_images(images, lambda image: classifier.prepare(image, invert), report):
        predictions = classifier.rank(prepared.pixels, top)
        if as_json:
            results.append(_json(name, prepared, predictions))
        else:
            click.echo(f"{name}: {', '.join(f'{found.label} {found.score:.1%}' for found in predictions)}")
    if as_json:
        options.print_json(results)
    ctx.exit(1 if failed else 0)


def _json(name: str, prepared: "Prepared", predictions: "tuple[Prediction, ...]") -> dict[str, Any]:
    return {
        "image": name,
        "predictions": [dataclasses.asdict(prediction) for prediction in predictions],
        "inverted": prepared.inverted,
        "note": prepared.note,
    }
