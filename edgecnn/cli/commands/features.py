"""edgecnn features."""

import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.printable import printable

from .. import description_options, options, printing, source_options
from ..delegate_options import audit
from ..output_path import OutputPath, short_stem
from ..runtime_options import RuntimeOptions, bundled, refuse_for_keras, require_signature, trust

if TYPE_CHECKING:
    from edgecnn.convert import KerasModel
    from edgecnn.device import Description, FeatureExtractor
    from edgecnn.device.bulk.prefetch import Outcome
    from edgecnn.device.pictures.feature_maps import Picture
    from edgecnn.pixels.crop import CropBox
    from edgecnn.pixels.preprocessing import Invert

MAX_IMAGES = 24
PAGE = 12  # layers of each page


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
@click.option(
    "--output",
    "-o",
    type=OutputPath(file_okay=False),
    default="features",
    show_default=True,
    help="Folder for the pictures.",
)
@click.option(
    "--npz", is_flag=True, help="Write features.npz too: float32 maps (images, height, width, channels) by layer."
)
@click.option("--show-input", is_flag=True, help="Put the image as the model sees it into a first column.")
@source_options.crop(default="the whole")
@options.invert
@options.decode_threads
@description_options.bundled
@bundled
@audit
@trust
@require_signature
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
    crop: "CropBox | None",
    square: bool | None,
    invert: "Invert",
    decode_threads: int | None,
    force: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Draw what the layers of MODEL make of IMAGES.

    MODEL is an activations variant (*.activations.tflite), a bundled one's name (fashion-mnist.activations), or a
    .keras file where TensorFlow is installed. Writes a contact sheet of all filters for each image, and for each
    --filter a figure with the images as rows and the layers as columns. Of more than 24 layers they have pages.

    Example: edgecnn features fashion-mnist.activations photos/ --filter 2 --filter 30
    """
    from edgecnn.device.bulk.prefetch import prepared_images
    from edgecnn.device.bulk.sources import ImageFiles
    from edgecnn.optional_packages import require_matplotlib

    region = source_options.chosen_crop(crop, square, otherwise=False)
    require_matplotlib("edgecnn features")
    extractor = _open_extractor(model, runtime_options, description)
    _require_filters(extractor, filters)
    prepared = prepared_images(
        ImageFiles(images, printing.note),
        extractor.input,
        invert,
        crop=region,
        note=printing.note,
        decode_threads=decode_threads,
    )
    pictures, failed = _make_pictures(extractor, prepared)
    files = _name_files(Path(output), pictures, filters, npz, show_input) if pictures else {}
    from edgecnn.atomic_files import claimed

    with claimed(files, force):
        for path, write in files.items():
            write(path)
            if not as_json:
                printing.say(path)
    if as_json:
        printing.print_json({"files": [str(path) for path in files], "images": [picture.title for picture in pictures]})
    ctx.exit(1 if failed else 0)


def _open_extractor(
    model: str, runtime_options: RuntimeOptions, description: "Description | None"
) -> "FeatureExtractor | KerasModel":
    if model.endswith(".keras"):
        refuse_for_keras()
        description_options.refuse_for_keras(description)
        from edgecnn.convert import KerasModel

        return KerasModel(model)
    from edgecnn.device import FeatureExtractor

    run = runtime_options.run_options(description)
    extractor = FeatureExtractor.with_options(model, run)
    runtime_options.report(model, run)
    return extractor


def _require_filters(extractor: "FeatureExtractor | KerasModel", filters: tuple[int, ...]) -> None:
    if not extractor.layers:
        from edgecnn.errors import ModelFileError

        raise ModelFileError("the network has no convolution or pooling layer, so there are no feature maps to draw")
    largest = max(extractor.layers, key=lambda layer: layer.shape[-1])
    for number in filters:
        if number >= largest.shape[-1]:
            raise click.UsageError(
                f"--filter {number}: no layer has it, {largest.name} has most with filters 0 to {largest.shape[-1] - 1}"
            )


def _make_pictures(
    extractor: "FeatureExtractor | KerasModel", images: "Iterable[tuple[str, Outcome]]"
) -> "tuple[list[Picture], bool]":
    """The pictures of the images that can be used, and whether there were others."""
    from edgecnn.device import FeatureExtractor
    from edgecnn.device.pictures.feature_maps import Picture
    from edgecnn.errors import InputError

    failed = False
    pictures: list[Picture] = []
    for name, prepared in images:
        if isinstance(prepared, InputError):
            failed = True
            printing.note(f"Error: {prepared}")
            continue
        if len(pictures) == MAX_IMAGES:
            raise click.UsageError(f"more than {MAX_IMAGES} images are too many for one figure; give fewer")
        title = printable(Path(name).name)
        features = extractor.extract(prepared.pixels)
        pictures.append(Picture(title, prepared.pixels, features.maps, features.probabilities))
    if isinstance(extractor, FeatureExtractor) and extractor.audit is not None:
        extractor.audit.finish()
    return pictures, failed


def _name_files(
    folder: Path, pictures: "list[Picture]", filters: tuple[int, ...], npz: bool, show_input: bool
) -> dict[Path, "Callable[[Path], None]"]:
    """What to write: the paths, and what writes each."""
    from edgecnn.device.pictures.feature_maps import draw_contact_sheet, draw_filter

    files: dict[Path, Callable[[Path], None]] = {}
    for number in filters:
        for suffix, page in _pages(pictures):
            path = folder / f"filter-{number}{suffix}.png"
            files[path] = partial(draw_filter, page, number, show_input=show_input)
    for i, picture in enumerate(pictures, start=1):
        for suffix, (page_picture,) in _pages([picture]):
            path = folder / f"contact-{i}-{short_stem(picture.title)}{suffix}.png"
            files[path] = partial(draw_contact_sheet, page_picture)
    if npz:
        _require_names_of_arrays(pictures[0].maps)
        files[folder / "features.npz"] = partial(_write_npz, pictures)
    return files


def _pages(pictures: "list[Picture]") -> "list[tuple[str, list[Picture]]]":
    """The pictures with some of the layers each, and what their file names end in: legible, however many there are."""
    from edgecnn.device.pictures.feature_maps import ON_A_PAGE

    layers = list(pictures[0].maps)
    if len(layers) <= ON_A_PAGE:
        return [("", pictures)]
    return [
        (
            f"-page-{1 + start // PAGE}",
            [replace(each, maps={name: each.maps[name] for name in layers[start : start + PAGE]}) for each in pictures],
        )
        for start in range(0, len(layers), PAGE)
    ]


def _require_names_of_arrays(layers: Iterable[str]) -> None:
    """Refuse layers that are called as an array of `features.npz` is, or as NumPy calls that file."""
    taken = sorted({"images", "probabilities", "file"}.intersection(layers))
    if taken:
        from edgecnn.errors import ModelFileError

        raise ModelFileError(
            f"a layer is called {taken[0]}, as no array of features.npz may be; leave out --npz, or give the layer "
            "another name and convert again"
        )


def _write_npz(pictures: "list[Picture]", path: Path) -> None:
    import numpy as np

    from edgecnn.atomic_files import write_bytes

    arrays: dict[str, Any] = {
        layer: np.stack([picture.maps[layer] for picture in pictures]) for layer in pictures[0].maps
    }
    arrays["probabilities"] = np.stack([picture.probabilities for picture in pictures])
    arrays["images"] = np.array([picture.title for picture in pictures])
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_bytes(path, buffer.getvalue())
