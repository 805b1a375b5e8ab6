"""edgecnn classify."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecnn.device import Classifier
    from edgecnn.preprocessing import Invert


@click.command(name="classify")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option("--top", type=click.IntRange(1), default=1, show_default=True, help="How many classes to name.")
@options.invert
@options.threads
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context, model: str, images: tuple[str, ...], top: int, invert: "Invert", threads: int, as_json: bool
) -> None:
    """Classify IMAGES with MODEL, a .tflite file or the name of a bundled model (fashion-mnist).

    IMAGES are files, glob patterns, folders, or - for standard input.

    Example: edgecnn classify fashion-mnist photos/ --top 3
    """
    from edgecnn.device import Classifier

    classifier = Classifier(model, threads=threads)
    with options.each_image(ctx) as report:
        results = []
        for result in _classify(classifier, images, top, invert, report):
            if as_json:
                results.append(result)
                continue
            scores = ", ".join(f"{found['label']} {found['score']:.1%}" for found in result["predictions"])
            click.echo(f"{result['image']}: {scores}")
        if as_json:
            options.print_json(results)


def _classify(
    classifier: "Classifier", names: tuple[str, ...], top: int, invert: "Invert", report: "Callable[[Exception], None]"
) -> Iterator[dict[str, Any]]:
    from edgecnn.errors import InputError
    from edgecnn.images import find_images

    noted = False
    for name in names:
        try:
            found = find_images([name])
        except InputError as error:
            report(error)
            continue
        for image in found:
            try:
                prepared = classifier.prepare(image, invert)
            except InputError as error:
                report(InputError(str(error) if str(error).startswith((image, "standard")) else f"{image}: {error}"))
                continue
            if prepared.note and not noted:
                options.note(f"Note: {image}: {prepared.note}")
                noted = True
            predictions = [dataclasses.asdict(prediction) for prediction in classifier.rank(prepared.pixels, top)]
            result = {"image": image, "predictions": predictions, "inverted": prepared.inverted}
            yield {**result, "note": prepared.note} if prepared.note else result
