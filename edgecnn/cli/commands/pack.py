"""edgecnn pack."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import description_options, options, printing
from ..output_path import OutputPath
from ..runtime_options import RuntimeOptions, bundled, trust

if TYPE_CHECKING:
    from edgecnn.device import Description


@click.command(name="pack")
@click.argument("model")
@click.option(
    "--representative",
    type=click.Path(),
    metavar="DIR",
    help="Images like those the model will see, for its golden probes.  [default: patterns]",
)
@click.option(
    "--output",
    "-o",
    type=OutputPath(dir_okay=False),
    metavar="FILE.tflite",
    help="The file to write.  [default: MODEL.packed.tflite]",
)
@description_options.bundled
@bundled
@trust
@options.force
@options.as_json
@options.verbose
def command(
    model: str,
    representative: str | None,
    output: str | None,
    force: bool,
    as_json: bool,
    runtime_options: RuntimeOptions,
    description: "Description | None",
) -> None:
    """Give MODEL, a .tflite file of another tool, a card and golden probes, so that nobody need say again what it is.

    What its metadata says is used; what it leaves out must be said. The probes' answers are those of the runtime here:
    edgecnn verify then shows that another machine runs the file as this one does, not that either is right.

    Example: edgecnn pack model.tflite --labels labels.txt --input-range -1 1
    """
    from edgecnn.atomic_files import claimed
    from edgecnn.device.packing import pack_model
    from edgecnn.device.runtime.loading import read_packed

    read_packed(model)  # a missing or damaged one is told first
    path = Path(output) if output else Path(model).parent / f"{Path(model).stem}.packed.tflite"
    if path.suffix != ".tflite":
        raise click.UsageError(f"--output must end in .tflite. Received: {output}")
    run = runtime_options.run_options(description)
    with claimed([path], force):
        packed = pack_model(model, path, run, representative, printing.note)
    runtime_options.report(str(path), run)
    if as_json:
        figures = {"path": str(packed.path), "probes": packed.probes, "host_runtime": packed.host_runtime}
        printing.print_json({**figures, "card": dataclasses.asdict(packed.card)})
        return
    source = "images" if packed.from_images else "patterns, for want of --representative"
    printing.say(
        f"wrote {packed.path}: {len(packed.card.labels)} labels, {packed.probes} golden probes ({source}) with the "
        f"answers of {packed.host_runtime} here"
    )
