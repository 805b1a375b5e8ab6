"""edgecnn convert."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options

if TYPE_CHECKING:
    from edgecnn.card import Integers, Scheme
    from edgecnn.convert import Conversion, ConvertedFile, Gate
    from edgecnn.dataset import Dataset


@click.command(name="convert")
@click.argument("run", type=click.Path())
@click.option("--int8", is_flag=True, help="8-bit integers throughout; this is what is made if no scheme is named.")
@click.option("--mixed", is_flag=True, help="8-bit integers but for the dense layers and the output.")
@click.option("--int16x8", is_flag=True, help="8-bit weights, 16-bit activations: close, and slow.")
@click.option("--dynamic", is_flag=True, help="8-bit weights, activations rounded on the fly.")
@click.option("--float16", is_flag=True, help="16-bit weights, computed in 32.")
@click.option("--float32", is_flag=True, help="No quantization.")
@click.option(
    "--io",
    type=click.Choice(["int8", "uint8", "float32"]),
    default="int8",
    show_default=True,
    help="Type of --int8's input and output.",
)
@click.option("--output", "-o", type=click.Path(file_okay=False), help="Folder for the files.  [default: RUN]")
@click.option("--no-activations", is_flag=True, help="Do not make the variant that returns feature maps.")
@click.option(
    "--calibration-images",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Training images that show which values occur, stratified over the classes.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Draws the calibration images."
)
@click.option("--auto", is_flag=True, help="Climb int8, mixed, int16x8, float16 until the gate holds.")
@options.gate
@options.data
@options.data_dir
@options.force
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    run: str,
    output: str | None,
    no_activations: bool,
    calibration_images: int,
    seed: int,
    auto: bool,
    max_drop: float | None,
    min_agreement: float | None,
    data: str | None,
    data_dir: str | None,
    force: bool,
    as_json: bool,
    io: "Integers",
    **flags: bool,
) -> None:
    """Convert the trained network in RUN to TFLite files that carry all a device needs.

    Example: edgecnn convert runs/shoes --int8
    """
    from edgecnn.card import ModelCard
    from edgecnn.extras import require_tensorflow

    require_tensorflow("edgecnn convert")
    from edgecnn.convert import SCHEMES, Gate, convert, convert_until
    from edgecnn.convert.auto import CLIMB
    from edgecnn.convert.conversion import output_paths, require_run, run_folder
    from edgecnn.output import refuse_existing

    schemes: list[Scheme] = [scheme for scheme in SCHEMES if flags[scheme]] or ["int8"]
    gate = Gate(max_drop, min_agreement)
    _check_usage(ctx, schemes, io, auto, gate)
    folder = Path(output) if output else run_folder(run)
    planned = CLIMB if auto else tuple(schemes)
    refuse_existing(
        (path for scheme in planned for path in output_paths(folder, scheme, not no_activations).values()), force
    )
    source = require_run(run)
    dataset = options.load_dataset(data_dir, data, ModelCard.load(source / "card.json").input)
    common: dict[str, Any] = {
        "output": output, "calibration_images": calibration_images, "seed": seed, "force": force,
        "progress": options.note,
    }  # fmt: skip
    if auto:
        conversions = convert_until(run, dataset, gate, **common)
    else:
        conversions = tuple(
            convert(
                run,
                dataset,
                scheme=scheme,
                io=io if scheme == "int8" else "int8",
                activations=not no_activations,
                **common,
            )
            for scheme in schemes
        )
    if as_json:
        options.print_json([_json(conversion) for conversion in conversions])
    else:
        for conversion in conversions:
            _print(conversion)
    if not auto:
        failed = [_report(folder, source, dataset, conversion, gate) for conversion in conversions]
        if any(failed):
            ctx.exit(1)


def _check_usage(ctx: click.Context, schemes: "list[Scheme]", io: str, auto: bool, gate: "Gate") -> None:
    if io != "int8" and "int8" not in schemes:
        raise click.UsageError(f"--io {io} goes with --int8; {', '.join(schemes)} has input and output of its own")
    if not auto:
        return
    given = [name for name in ("float32", "float16", "dynamic", "mixed", "int8", "int16x8") if ctx.params[name]]
    if given or io != "int8" or ctx.params["no_activations"]:
        raise click.UsageError("--auto chooses the scheme itself; leave out schemes, --io and --no-activations")
    if gate.max_drop is None and gate.min_agreement is None:
        raise click.UsageError("--auto needs a gate to pass: --max-drop, --min-agreement or both")


def _report(folder: Path, run: Path, dataset: "Dataset", conversion: "Conversion", gate: "Gate") -> bool:
    """Whether a conversion fails the gate; then says so, and writes a report if it lies in its run."""
    from edgecnn.convert import parity

    failures = gate.failures(conversion.plain.parity)
    for failure in failures:
        options.note(f"Error: {conversion.plain.path}: {failure}")
    if failures and conversion.activations and folder.resolve() == run.resolve():
        found = parity(run, dataset, scheme=conversion.scheme, gate=gate, force=True, progress=options.note)
        for finding in found.findings:
            options.note(f"{finding.rung}, {finding.layer}: {finding.words}")
        options.note(f"wrote {found.html}, {found.json}")
    return bool(failures)


def _print(conversion: "Conversion") -> None:
    files = [file for file in (conversion.plain, conversion.activations) if file]
    parity = conversion.plain.parity
    rows = [_row(str(file.path), file) for file in files]
    keras = ("Keras", "", "", f"{parity.keras_accuracy:.2%}", "", "")
    click.echo(options.table(("file", "bytes", "of float32", "accuracy", "95 % interval", "agreement"), [keras, *rows]))
    click.echo(f"on {parity.images:,} test images; float32 TFLite has {conversion.float32_bytes:,} bytes")
    if conversion.bit_equal:
        click.echo("probabilities of both files: equal to the bit")
    for layer in conversion.layers:
        click.echo(f"  SQNR {layer.sqnr_db:6.1f} dB  {layer.name}")


def _row(name: str, file: "ConvertedFile") -> tuple[str, ...]:
    parity = file.parity
    interval = f"{parity.interval_low:.2%} - {parity.interval_high:.2%}"
    return (
        name,
        f"{file.size_bytes:,}",
        f"{file.ratio:.1%}",
        f"{parity.accuracy:.2%}",
        interval,
        f"{parity.agreement:.2%}",
    )


def _json(conversion: "Conversion") -> dict[str, Any]:
    import dataclasses
    import math

    data = dataclasses.asdict(conversion)
    for file in ("plain", "activations"):
        if data[file]:
            data[file]["path"] = str(data[file]["path"])
    for layer in data["layers"]:
        if math.isinf(layer["sqnr_db"]):
            layer["sqnr_db"] = None
    return data
