"""edgecnn convert."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgecnn.model_file.schemes import DEFAULT_SCHEME, SCHEMES, climb

from .. import conversion_options, import_options, options, printing

if TYPE_CHECKING:
    from edgecnn.convert import Conversion, ConvertedFile, Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.model_file.schemes import IoType, Scheme
    from edgecnn.pixels.dataset import Dataset
    from edgecnn.run_directory import RunDirectory


@click.command(name="convert")
@click.argument("run", metavar="RUN|MODEL.keras", type=click.Path())
@conversion_options.schemes
@conversion_options.target
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
@conversion_options.auto
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
    from edgecnn.convert import Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.run_directory import RunDirectory

    schemes = conversion_options.named_schemes(flags) or [DEFAULT_SCHEME]
    gate = Gate(max_drop, min_agreement)
    _check_usage(ctx, schemes, gate)
    request = ConversionRequest(
        output=output,
        activations=not flags["no_activations"],
        feature_layers=flags["feature_layers"],
        dense_per_tensor=flags["dense_per_tensor"],
        target=flags["target"],
        seed=flags["seed"],
        force=flags["force"],
    )
    is_foreign = flags["labels"] is not None
    folder = RunDirectory(import_options.folder(run)) if is_foreign else RunDirectory.of(run)
    outputs = [replace(request, scheme=scheme).paths(folder) for scheme in (climb() if auto else schemes)]
    refuse_existing((path for pair in outputs for path in pair), request.force)
    if is_foreign:
        # With --output the run directory is made there, too.
        folder = RunDirectory(import_options.adopt(ctx, run, outputs[0].plain.parent, representative))
    dataset = options.load_images(folder.require().path, representative, data, data_dir)
    request = replace(request, calibration_images=_calibration_images(ctx, len(dataset.train)))
    if auto:
        conversions = _convert_until(folder, dataset, gate, request)
    else:
        conversions = _convert_all(folder, dataset, gate, request, schemes, flags["io"])
    if as_json:
        printing.print_json([_json(conversion) for conversion in conversions])
    else:
        for conversion in conversions:
            _print(conversion)
    if not auto:
        failed = [_fails(folder, dataset, conversion, gate) for conversion in conversions]  # each says so
        if any(failed):
            ctx.exit(1)


def _convert_all(
    run: "RunDirectory",
    dataset: "Dataset",
    gate: "Gate",
    request: "ConversionRequest",
    schemes: "list[Scheme]",
    io: "IoType",
) -> "tuple[Conversion, ...]":
    from edgecnn.convert import convert

    gate.require_labels(dataset)
    requests = [
        replace(request, scheme=scheme, io=io if SCHEMES[scheme].io_types else conversion_options.DEFAULT_IO)
        for scheme in schemes
    ]
    return tuple(convert(run.path, dataset, request, progress=printing.note) for request in requests)


def _convert_until(
    run: "RunDirectory", dataset: "Dataset", gate: "Gate", request: "ConversionRequest"
) -> "tuple[Conversion, ...]":
    """Climb; where nothing passes, a report says where the last scheme loses most."""
    from edgecnn.convert import convert_until
    from edgecnn.errors import GateError

    try:
        return convert_until(run.path, dataset, gate, request, progress=printing.note)
    except GateError:
        last = replace(request, scheme=climb()[-1])
        _write_report(run, dataset, last.scheme, last.paths(run).plain.parent, gate)
        raise


def _check_usage(ctx: click.Context, schemes: "list[Scheme]", gate: "Gate") -> None:
    io: str = ctx.params["io"]
    if io != conversion_options.DEFAULT_IO and not any(io in SCHEMES[scheme].io_types for scheme in schemes):
        takers = ", ".join(f"--{name}" for name, row in SCHEMES.items() if io in row.io_types)
        raise click.UsageError(f"--io {io} goes with {takers}; {', '.join(schemes)} has input and output of its own")
    if ctx.params["feature_layers"] and ctx.params["no_activations"]:
        raise click.UsageError("--feature-layers chooses what the activations variant returns; leave out one of them")
    import_options.check_usage(ctx)
    if not ctx.params["auto"]:
        return
    if (
        conversion_options.named_schemes(ctx.params)
        or io != conversion_options.DEFAULT_IO
        or ctx.params["no_activations"]
    ):
        raise click.UsageError("--auto chooses the scheme itself; leave out schemes, --io and --no-activations")
    if gate.max_drop is None and gate.min_agreement is None:
        raise click.UsageError("--auto needs a gate to pass: --max-drop, --min-agreement or both")


def _calibration_images(ctx: click.Context, available: int) -> int:
    """What was asked for; by default no more than there are."""
    requested: int = ctx.params["calibration_images"]
    is_default = ctx.get_parameter_source("calibration_images") is click.core.ParameterSource.DEFAULT
    return min(requested, available) if is_default else requested


def _fails(run: "RunDirectory", dataset: "Dataset", conversion: "Conversion", gate: "Gate") -> bool:
    """Whether a conversion fails the gate; then says so, and writes a report if it has its activations variant."""
    failures = gate.failures(conversion.plain.parity)
    for failure in failures:
        printing.note(f"Error: {conversion.plain.path}: {failure}")
    if failures and conversion.activations:
        _write_report(run, dataset, conversion.scheme, conversion.plain.path.parent, gate)
    return bool(failures)


def _write_report(run: "RunDirectory", dataset: "Dataset", scheme: "Scheme", files: Path, gate: "Gate") -> None:
    from edgecnn.convert import parity

    report = parity(run.path, dataset, scheme=scheme, gate=gate, files=files, force=True, progress=printing.note)
    for finding in report.findings:
        printing.note(f"{finding.rung}, {finding.layer}: {finding.words}")
    printing.note(f"wrote {report.html}, {report.json}")


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
