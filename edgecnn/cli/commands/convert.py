"""edgecnn convert."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import import_options, options, printing

if TYPE_CHECKING:
    from edgecnn.convert import Conversion, ConvertedFile, Gate
    from edgecnn.model_file.schemes import Scheme
    from edgecnn.pixels.dataset import Dataset


@click.command(name="convert")
@click.argument("run", metavar="RUN|MODEL.keras", type=click.Path())
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
@click.option(
    "--target",
    type=click.Choice(["litert", "tflite-runtime-2.14", "edgetpu", "mediapipe"]),
    default="litert",
    show_default=True,
    help="What will run the files: what it needs is switched, what it cannot take is refused.",
)
@click.option("--dense-per-tensor", is_flag=True, help="One scale a dense layer, for runtimes that need it.")
@click.option("--output", "-o", type=click.Path(file_okay=False), help="Folder for the files.  [default: RUN]")
@click.option("--no-activations", is_flag=True, help="Do not make the variant that returns feature maps.")
@click.option(
    "--feature-layers",
    metavar="NAME|PATTERN",
    multiple=True,
    help="Only the feature maps of these layers, such as 'conv*'; may be repeated.  [default: all]",
)
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
@import_options.choices
@options.representative
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
    representative: str | None,
    data: str | None,
    data_dir: str | None,
    auto: bool,
    max_drop: float | None,
    min_agreement: float | None,
    as_json: bool,
    **flags: Any,
) -> None:
    """Convert the trained network in RUN to TFLite files that carry all a device needs.

    A Keras model that was trained elsewhere needs --labels and --representative; it becomes a run directory first.

    Example: edgecnn convert runs/shoes --int8
    """
    from edgecnn.optional_packages import require_tensorflow

    require_tensorflow("edgecnn convert")
    from edgecnn.atomic_files import refuse_existing
    from edgecnn.convert import SCHEMES, Gate, convert, convert_until
    from edgecnn.convert.conversion import output_paths, require_run, run_folder
    from edgecnn.convert.first_passing import CLIMB
    from edgecnn.errors import GateError

    schemes: list[Scheme] = [scheme for scheme in SCHEMES if flags[scheme]] or ["int8"]
    gate = Gate(max_drop, min_agreement)
    _check_usage(ctx, schemes, flags["io"], auto, gate)
    folder = Path(output) if output else import_options.folder(run) if flags["labels"] else run_folder(run)
    paths = [output_paths(folder, scheme, not flags["no_activations"]) for scheme in (CLIMB if auto else schemes)]
    refuse_existing((path for both in paths for path in both.values()), flags["force"])
    source = import_options.adopt(ctx, run, folder, representative) if flags["labels"] else require_run(run)
    dataset = options.load_images(source, representative, data, data_dir)
    common: dict[str, Any] = {
        "output": output, "calibration_images": _calibration_images(ctx, len(dataset.train)), "seed": flags["seed"],
        "feature_layers": flags["feature_layers"], "dense_per_tensor": flags["dense_per_tensor"],
        "target": flags["target"], "force": flags["force"], "progress": printing.note,
    }  # fmt: skip
    if auto:
        try:
            conversions = convert_until(source, dataset, gate, **common)
        except GateError:
            _write_report(folder, source, dataset, CLIMB[-1], gate)
            raise
    else:
        gate.check(dataset)
        common["activations"] = not flags["no_activations"]
        conversions = tuple(
            convert(source, dataset, scheme=scheme, io=flags["io"] if scheme == "int8" else "int8", **common)
            for scheme in schemes
        )
    if as_json:
        printing.print_json([_json(conversion) for conversion in conversions])
    else:
        for conversion in conversions:
            _print(conversion)
    if not auto:
        failed = [_fails(folder, source, dataset, conversion, gate) for conversion in conversions]
        if any(failed):
            ctx.exit(1)


def _check_usage(ctx: click.Context, schemes: "list[Scheme]", io: str, auto: bool, gate: "Gate") -> None:
    if io != "int8" and "int8" not in schemes:
        raise click.UsageError(f"--io {io} goes with --int8; {', '.join(schemes)} has input and output of its own")
    if ctx.params["feature_layers"] and ctx.params["no_activations"]:
        raise click.UsageError("--feature-layers chooses what the activations variant returns; leave out one of them")
    import_options.check_usage(ctx)
    if not auto:
        return
    given = [name for name in ("float32", "float16", "dynamic", "mixed", "int8", "int16x8") if ctx.params[name]]
    if given or io != "int8" or ctx.params["no_activations"]:
        raise click.UsageError("--auto chooses the scheme itself; leave out schemes, --io and --no-activations")
    if gate.max_drop is None and gate.min_agreement is None:
        raise click.UsageError("--auto needs a gate to pass: --max-drop, --min-agreement or both")


def _calibration_images(ctx: click.Context, available: int) -> int:
    """What was asked for; by default no more than there are."""
    given: int = ctx.params["calibration_images"]
    is_default = ctx.get_parameter_source("calibration_images") is click.core.ParameterSource.DEFAULT
    return min(given, available) if is_default else given


def _fails(folder: Path, run: Path, dataset: "Dataset", conversion: "Conversion", gate: "Gate") -> bool:
    """Whether a conversion fails the gate; then says so, and writes a report if it has its activations variant."""
    failures = gate.failures(conversion.plain.parity)
    for failure in failures:
        printing.note(f"Error: {conversion.plain.path}: {failure}")
    if failures and conversion.activations:
        _write_report(folder, run, dataset, conversion.scheme, gate)
    return bool(failures)


def _write_report(folder: Path, run: Path, dataset: "Dataset", scheme: "Scheme", gate: "Gate") -> None:
    from edgecnn.convert import parity

    found = parity(run, dataset, scheme=scheme, gate=gate, files=folder, force=True, progress=printing.note)
    for finding in found.findings:
        printing.note(f"{finding.rung}, {finding.layer}: {finding.words}")
    printing.note(f"wrote {found.html}, {found.json}")


def _print(conversion: "Conversion") -> None:
    files = [file for file in (conversion.plain, conversion.activations) if file]
    parity = conversion.plain.parity
    rows = [_row(str(file.path), file) for file in files]
    keras = ("Keras", "", "", printing.percent(parity.keras_accuracy), "", "")
    click.echo(
        printing.table(("file", "bytes", "of float32", "accuracy", "95 % interval", "agreement"), [keras, *rows])
    )
    click.echo(f"on {parity.images:,} images; float32 TFLite has {conversion.float32_bytes:,} bytes")
    if conversion.bit_equal:
        click.echo("probabilities of both files: equal to the bit")
    for layer in conversion.layers:
        click.echo(f"  SQNR {layer.sqnr_db:6.1f} dB  {layer.name}")
    for note in conversion.notes:
        click.echo(note)
    if conversion.compiled:
        click.echo(f"compiled: {conversion.compiled}")


def _row(name: str, file: "ConvertedFile") -> tuple[str, ...]:
    parity = file.parity
    interval = f"{printing.percent(parity.interval_low)} - {printing.percent(parity.interval_high)}"
    return (
        name,
        f"{file.size_bytes:,}",
        f"{file.ratio:.1%}",
        printing.percent(parity.accuracy),
        interval if parity.accuracy is not None else "",
        printing.percent(parity.agreement),
    )


def _json(conversion: "Conversion") -> dict[str, Any]:
    import dataclasses
    import math

    data = dataclasses.asdict(conversion)
    for file in ("plain", "activations"):
        if data[file]:
            data[file]["path"] = str(data[file]["path"])
    data["compiled"] = str(data["compiled"]) if data["compiled"] else None
    for layer in data["layers"]:
        if math.isinf(layer["sqnr_db"]):
            layer["sqnr_db"] = None
    return data
