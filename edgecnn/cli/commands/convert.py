"""edgecnn convert."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgecnn.model_file.schemes import DEFAULT_SCHEME, climb

from .. import conversion_options, conversion_table, conversion_usage, import_options, options, printing
from ..given import first_given
from ..output_path import OutputPath
from ..wrong_usage import bad_options

if TYPE_CHECKING:
    from edgecnn.convert import Conversion, Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.model_file.schemes import IoType, Scheme
    from edgecnn.pixels.dataset import Dataset
    from edgecnn.run_directory import RunDirectory


@click.command(name="convert")
@click.argument("run", metavar="RUN|MODEL", type=click.Path())
@conversion_options.schemes
@conversion_options.target
@click.option("--dense-per-tensor", is_flag=True, help="One scale a dense layer, for runtimes that need it.")
@click.option("--output", "-o", type=OutputPath(file_okay=False), help="Folder for the files.  [default: RUN]")
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
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Seed that draws the calibration images.",
)
@conversion_options.qat
@conversion_options.auto
@options.gate
@import_options.bundled
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
    schemes: "list[Scheme]",
    io: "IoType",
    target: str,
    dense_per_tensor: bool,
    output: str | None,
    no_activations: bool,
    feature_layers: tuple[str, ...],
    calibration_images: int,
    seed: int,
    qat: int | None,
    auto: bool,
    max_drop: float | None,
    min_agreement: float | None,
    min_accuracy: float | None,
    foreign: "import_options.ImportOptions",
    representative: str | None,
    data: str | None,
    data_dir: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Convert the trained network in RUN to TFLite files that carry all a device needs.

    A Keras model of somebody else (.keras, .h5, SavedModel) becomes a run first: with --labels and --representative.

    With --qat RUN's training images choose and train the 8-bit weights: slower to make, closer to Keras.

    Example: edgecnn convert runs/shoes --int8
    """
    from edgecnn.optional_packages import require_tensorflow

    require_tensorflow("edgecnn convert")
    from edgecnn.atomic_files import refuse_existing
    from edgecnn.convert import Gate
    from edgecnn.convert.request import ConversionRequest
    from edgecnn.run_directory import RunDirectory

    gate = Gate(max_drop, min_agreement, min_accuracy)
    with bad_options():
        request = ConversionRequest(
            output=output,
            activations=not no_activations,
            feature_layers=feature_layers,
            dense_per_tensor=dense_per_tensor,
            target=target,
            seed=seed,
            force=force,
        )
    conversion_usage.require_qat(qat, schemes, auto)
    if auto:
        conversion_usage.require_auto(request, gate, schemes)
    schemes = list(climb()) if auto else schemes or [DEFAULT_SCHEME]
    conversion_usage.require_fitting(request, schemes, io)
    foreign.begin(ctx, representative)
    folder = RunDirectory.of(run) if foreign.labels is None else RunDirectory(import_options.folder(run))
    requests = [request.of_scheme(scheme, io, qat) for scheme in schemes]
    refuse_existing((path for each in requests for path in each.changed_paths(folder)), force)
    if foreign.labels is not None:
        # With --output the run directory is made there, too.
        folder = request.folder(folder)
        import_options.import_model(run, foreign, folder.path, representative, force)
    dataset = options.load_images(folder.require().path, representative, data, data_dir)
    request = replace(request, calibration_images=_calibration_images(ctx, calibration_images, len(dataset.train)))
    errors: list[str] = []
    if auto:
        conversions = list(_convert_until(folder, dataset, gate, request))
    else:
        conversions, errors = _convert_all(folder, dataset, gate, request, schemes, io, qat)
    conversion_table.show_all(conversions, as_json)
    if not auto:
        failed = [_fails(folder, dataset, conversion, gate) for conversion in conversions]  # each says so
        for error in errors:
            printing.note(f"Error: {error}")
        if errors or any(failed):
            ctx.exit(1)


def _convert_all(
    run: "RunDirectory",
    dataset: "Dataset",
    gate: "Gate",
    request: "ConversionRequest",
    schemes: "list[Scheme]",
    io: "IoType",
    qat: int | None,
) -> "tuple[list[Conversion], list[str]]":
    """The conversions that were made, and in words why others were not: one scheme may do where another does not."""
    from edgecnn.convert import Converter
    from edgecnn.errors import EdgecnnError

    converter = Converter(run.path, dataset)
    gate.require_labels(dataset)
    requests = [request.of_scheme(scheme, io, qat) for scheme in schemes]
    conversions: list[Conversion] = []
    errors: list[EdgecnnError] = []
    failed: dict[str, list[str]] = {}  # schemes by what was said: of a damaged run it is the same of all
    for each in requests:
        try:
            conversions.append(converter.convert(each, progress=printing.note))
        except EdgecnnError as error:
            errors.append(error)
            failed.setdefault(str(error), []).append(each.scheme)
    if not conversions and len(failed) == 1:
        raise errors[0]
    return conversions, [f"{', '.join(schemes)}: {words}" for words, schemes in failed.items()]


def _convert_until(
    run: "RunDirectory", dataset: "Dataset", gate: "Gate", request: "ConversionRequest"
) -> "tuple[Conversion, ...]":
    """Climb; where nothing passes, a report says where the last that was made loses most."""
    from edgecnn.convert import convert_until
    from edgecnn.errors import GateError

    try:
        return convert_until(run.path, dataset, gate, request, progress=printing.note)
    except GateError as error:
        for last in error.conversions[-1:]:
            _write_report(run, dataset, last.scheme, last.plain.path.parent, gate)
        raise


def _calibration_images(ctx: click.Context, requested: int, available: int) -> int:
    """As many as are requested; by default no more than there are."""
    return requested if first_given("calibration_images", context=ctx) else min(requested, available)


# Of the images at least so many should get Keras' answer; with fewer the file is another classifier.
_DOUBTFUL = 0.95


def _fails(run: "RunDirectory", dataset: "Dataset", conversion: "Conversion", gate: "Gate") -> bool:
    """Whether a conversion fails the gate; then says so, and writes a report if it has its activations variant."""
    failures = gate.failures(conversion.plain.parity, conversion.warnings)
    for failure in failures:
        printing.note(f"Error: {conversion.plain.path}: {failure}")
    agreement = conversion.plain.parity.agreement
    if not failures and agreement < _DOUBTFUL:
        command = ["edgecnn", "parity", str(run.path), "--scheme", conversion.scheme]
        files = conversion.plain.path.parent
        command += [] if files == run.path else ["--files", str(files)]
        before = "" if conversion.activations else "converted again without --no-activations, "
        printing.note(
            f"warning: {conversion.plain.path} answers otherwise than Keras on {1 - agreement:.1%} of the images; "
            f"{before}{shlex.join(command)}, with the same images, says in which layer and why"
        )
    if failures and conversion.activations:
        _write_report(run, dataset, conversion.scheme, conversion.plain.path.parent, gate)
    return bool(failures)


def _write_report(run: "RunDirectory", dataset: "Dataset", scheme: "Scheme", files: Path, gate: "Gate") -> None:
    from edgecnn.convert import parity

    report = parity(run.path, dataset, scheme=scheme, gate=gate, files=files, force=True, progress=printing.note)
    for finding in report.findings:
        printing.note(f"{finding.place}: {finding.words}")
    printing.note(f"wrote {report.html}, {report.json}")
