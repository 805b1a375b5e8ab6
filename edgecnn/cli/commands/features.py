"""edgecnn features."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import options, printing, runtime_options

if TYPE_CHECKING:
    from edgecnn.convert import KerasModel
    from edgecnn.device import FeatureExtractor
    from edgecnn.device.pictures.feature_maps import Picture
    from edgecnn.pixels.preprocessing import Invert

MAX_IMAGES = 24
MAX_LAYERS = 150  # contact sheets of more exceed what a PNG writer takes


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
@click.option("--show-input", is_flag=True, help="Put the image as the model sees it into a first column.")
@options.invert
@runtime_options.choices
@runtime_options.trust
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    images: tuple[str, ...],
    filters: tuple[int, ...],
    output: str,
    npz: bool,
    show_input: bool,
    invert: "Invert",
    trust: bool,
    force: bool,
    as_json: bool,
    **values: Any,
) -> None:
    """Draw what the layers of MODEL make of IMAGES.

    MODEL is an activations variant (*.activations.tflite), a bundled one's name (fashion-mnist.activations), or a
    .keras file where TensorFlow is installed. Writes a contact sheet of all filters for each image, and for each
    --filter a figure with the images as rows and the layers as columns.

    Example: edgecnn features fashion-mnist.activations photos/ --filter 2 --filter 30
    """
    from edgecnn.optional_packages import require_matplotlib

    require_matplotlib("edgecnn features")
    extractor = _extractor(model, trust, values)
    _check_filters(extractor, filters)
    pictures, failed = _pictures(extractor, images, invert)
    files = _files(Path(output), pictures, filters, npz) if pictures else {}
    if files:
        from edgecnn.atomic_files import refuse_existing

        refuse_existing(files, force)
    for path, draw in files.items():
        _write(path, draw, pictures, show_input)
        if not as_json:
            click.echo(path)
    if as_json:
        printing.print_json({"files": [str(path) for path in files], "images": [picture.title for picture in pictures]})
    ctx.exit(1 if failed else 0)


def _extractor(model: str, trust: bool, values: dict[str, Any]) -> "FeatureExtractor | KerasModel":
    if model.endswith(".keras"):
        runtime_options.refuse_for_keras()
        from edgecnn.convert import KerasModel

        return KerasModel(model)
    from edgecnn.device import FeatureExtractor

    extractor = FeatureExtractor(model, trust=trust, **runtime_options.arguments(values))
    runtime_options.report(model, values)
    return extractor


def _check_filters(extractor: "FeatureExtractor | KerasModel", filters: tuple[int, ...]) -> None:
    if len(extractor.layers) > MAX_LAYERS:
        raise click.UsageError(
            f"{len(extractor.layers)} layers are too many for one figure; convert with --feature-layers"
        )
    largest = max(extractor.layers, key=lambda layer: layer.shape[-1])
    for number in filters:
        if number >= largest.shape[-1]:
            raise click.UsageError(
                f"--filter {number}: no layer has it, {largest.name} has most with filters 0 to {largest.shape[-1] - 1}"
            )


def _pictures(
    extractor: "FeatureExtractor | KerasModel", names: tuple[str, ...], invert: "Invert"
) -> "tuple[list[Picture], bool]":
    """The pictures of the images that can be used, and whether there were others."""
    from edgecnn.device.pictures.feature_maps import Picture
    from edgecnn.pixels.preprocessing import prepare_source

    failed = False
    pictures: list[Picture] = []

    def report(name: str, error: Exception) -> None:
        nonlocal failed
        failed = True
        printing.note(f"Error: {error}")

    def prepare(name: str) -> Any:
        return prepare_source(name, extractor.input, invert)

    for name, prepared in options.prepared_images(names, prepare, report):
        if len(pictures) == MAX_IMAGES:
            raise click.UsageError(f"more than {MAX_IMAGES} images are too many for one figure; give fewer")
        title = Path(name).name.encode(errors="replace").decode()
        pictures.append(Picture(title, prepared.pixels, extractor.extract(prepared.pixels)))
    return pictures, failed


def _files(folder: Path, pictures: "list[Picture]", filters: tuple[int, ...], npz: bool) -> dict[Path, Any]:
    """What to write: the path, and a filter's number, a picture, or None for the arrays."""
    files: dict[Path, Any] = {folder / f"filter-{number}.png": number for number in filters}
    for i, picture in enumerate(pictures, start=1):
        files[folder / f"contact-{i}-{Path(picture.title).stem[:80]}.png"] = picture
    if npz:
        files[folder / "features.npz"] = None
    return files


def _write(path: Path, what: "int | Picture | None", pictures: "list[Picture]", show_input: bool) -> None:
    from edgecnn.atomic_files import write_bytes
    from edgecnn.device.pictures.feature_maps import draw_contact_sheet, draw_filter

    if what is None:
        write_bytes(path, _npz(pictures))
    elif isinstance(what, int):
        draw_filter(pictures, what, path, show_input)
    else:
        draw_contact_sheet(what, path)


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
