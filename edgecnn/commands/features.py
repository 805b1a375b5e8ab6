"""edgecnn features."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgecnn.convert import KerasModel
    from edgecnn.device import FeatureExtractor
    from edgecnn.device.drawing import Picture
    from edgecnn.preprocessing import Invert

MAX_IMAGES = 24


@click.command(name="features")
@click.argument("model")
@click.argument("images", nargs=-1, required=True)
@click.option(
    "--filter",
    "filters",
    type=click.IntRange(0),
    multiple=True,
    metavar="N",
    help="Draw filter N of every layer; may be repeated.",
)
@click.option("--output", "-o", type=click.Path(file_okay=False), default="features", show_default=True, help="Folder.")
@click.option(
    "--npz", is_flag=True, help="Write features.npz too: float32 maps (images, height, width, channels) by layer."
)
@click.option(
    "--show-input", is_flag=True, help="Put the image as the model sees it into a first column of the figures."
)
@options.invert
@options.threads
@options.force
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    model: str,
    images: tuple[str, ...],
    filters: tuple[int, ...],
    output: str,
    npz: bool,
    show_input: bool,
    invert: "Invert",
    threads: int,
    force: bool,
) -> None:
    """Draw what the layers of MODEL make of IMAGES.

    MODEL is an activations variant (*.activations.tflite), a bundled one's name (fashion-mnist.activations), or a
    .keras file where TensorFlow is installed. Writes a contact sheet of all filters for each image, and for each
    --filter a figure with the images as rows and the layers as columns.

    Example: edgecnn features fashion-mnist.activations photos/ --filter 2 --filter 30
    """
    extractor = _extractor(model, threads)
    _check_filters(extractor, filters)
    with options.each_image(ctx) as report:
        pictures = _pictures(extractor, images, invert, report)
        if not pictures:
            return
        from edgecnn.device.drawing import draw_contact_sheet, draw_filter
        from edgecnn.output import refuse_existing, write_bytes

        folder = Path(output)
        sheets = [folder / f"contact-{i}-{Path(picture.title).stem}.png" for i, picture in enumerate(pictures, start=1)]
        figures = {number: folder / f"filter-{number}.png" for number in filters}
        arrays = [folder / "features.npz"] if npz else []
        refuse_existing([*figures.values(), *sheets, *arrays], force)
        for number, path in figures.items():
            draw_filter(pictures, number, path, show_input)
            click.echo(path)
        for picture, path in zip(pictures, sheets, strict=True):
            draw_contact_sheet(picture, path)
            click.echo(path)
        for path in arrays:
            write_bytes(path, _npz(pictures))
            click.echo(path)


def _extractor(model: str, threads: int) -> "FeatureExtractor | KerasModel":
    if model.endswith(".keras"):
        from edgecnn.convert import KerasModel

        return KerasModel(model)
    from edgecnn.device import FeatureExtractor

    return FeatureExtractor(model, threads=threads)


def _check_filters(extractor: "FeatureExtractor | KerasModel", filters: tuple[int, ...]) -> None:
    for layer in extractor.layers:
        for number in filters:
            if number >= layer.shape[-1]:
                raise click.UsageError(
                    f"--filter {number}: layer {layer.name} has filters 0 to {layer.shape[-1] - 1} only"
                )


def _pictures(
    extractor: "FeatureExtractor | KerasModel",
    names: tuple[str, ...],
    invert: "Invert",
    report: "Callable[[Exception], None]",
) -> "list[Picture]":
    from edgecnn.device.drawing import Picture
    from edgecnn.errors import InputError
    from edgecnn.images import find_images, open_image
    from edgecnn.preprocessing import prepare

    found = []
    for name in names:
        try:
            found += find_images([name])
        except InputError as error:
            report(error)
    if len(found) > MAX_IMAGES:
        raise click.UsageError(f"{len(found)} images are too many for one figure; give {MAX_IMAGES} at most")
    pictures = []
    for name in found:
        try:
            prepared = prepare(open_image(name), extractor.input, invert)
        except InputError as error:
            report(error)
            continue
        if prepared.note:
            options.note(f"Note: {name}: {prepared.note}")
        pictures.append(Picture(Path(name).name, prepared.pixels, extractor.extract(prepared.pixels)))
    return pictures


def _npz(pictures: "list[Picture]") -> bytes:
    import numpy as np

    arrays: dict[str, Any] = {
        layer: np.stack([picture.features.maps[layer] for picture in pictures]) for layer in pictures[0].features.maps
    }
    arrays["probabilities"] = np.stack([picture.features.probabilities for picture in pictures])
    arrays["images"] = np.array([picture.title for picture in pictures])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
