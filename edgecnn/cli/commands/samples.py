"""edgecnn samples."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import click

from .. import options, printing
from ..output_path import OutputPath


@click.command(name="samples")
@click.argument("folder", type=OutputPath(file_okay=False))
@click.option(
    "--test-image",
    "indices",
    type=click.IntRange(0, 9999),
    multiple=True,
    metavar="N",
    help="Write test image N of Fashion-MNIST instead of the bundled samples; may be repeated.",
)
@options.data_dir
@options.force
@options.as_json
@options.verbose
def command(folder: str, indices: tuple[int, ...], data_dir: str | None, force: bool, as_json: bool) -> None:
    """Write sample images to FOLDER: one or more of each class, from Fashion-MNIST's test set.

    Example: edgecnn samples photos
    """
    from edgecnn.atomic_files import claimed, write_bytes

    if data_dir is not None and not indices:
        raise click.UsageError("--data-dir is where --test-image finds Fashion-MNIST; give that too, or leave it out")
    images = dict(_test_images(indices, data_dir) if indices else _bundled())
    paths = {Path(folder) / name: data for name, data in images.items()}
    with claimed(paths, force):
        for path, data in paths.items():
            write_bytes(path, data)
            if not as_json:
                printing.say(path)
    if as_json:
        printing.print_json([str(path) for path in paths])


def _bundled() -> Iterator[tuple[str, bytes]]:
    from edgecnn.model_file.bundled import sample_images

    for path in sample_images():
        yield path.name, path.read_bytes()


def _test_images(indices: tuple[int, ...], data_dir: str | None) -> Iterator[tuple[str, bytes]]:
    from PIL import Image

    dataset = options.load_dataset(data_dir)
    for index in indices:
        buffer = io.BytesIO()
        Image.fromarray(dataset.test.images[index, :, :, 0]).save(buffer, "PNG", optimize=True)
        label = re.sub(r"[^a-z]+", "-", dataset.labels[dataset.test.labels[index]].lower())
        yield f"test-{index:04}-{label}.png", buffer.getvalue()
