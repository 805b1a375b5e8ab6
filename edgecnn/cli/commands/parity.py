"""edgecnn parity."""

from typing import TYPE_CHECKING

import click

from edgecnn.device.runtime.accelerators import ACCELERATORS

from .. import conversion_options, import_options, options, printing
from ..delegate_options import make_delegate
from ..output_path import OutputPath

if TYPE_CHECKING:
    from edgecnn.convert import ParityReport
    from edgecnn.model_file.schemes import Scheme

_DELEGATES = "|".join([*(name for name in ACCELERATORS if name != "cpu"), "PATH"])


@click.command(name="parity")
@click.argument("run", type=click.Path())
@conversion_options.scheme
@click.option("--files", type=click.Path(file_okay=False), help="Folder of the converted files.  [default: RUN]")
@click.option("--output", "-o", type=OutputPath(file_okay=False), help="Folder for the report.  [default: --files]")
@click.option("--images", type=click.IntRange(1), metavar="N", help="Compare on N test images only, for a quick look.")
@click.option("--delegate", metavar=_DELEGATES, help="Add a rung on this accelerator.")
@click.option(
    "--delegate-option",
    "delegate_options",
    metavar="KEY=VALUE",
    multiple=True,
    help="An option of the delegate; may be repeated.",
)
@options.gate
@import_options.custom_objects
@import_options.trust
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
    scheme: "Scheme",
    files: str | None,
    output: str | None,
    images: int | None,
    delegate: str | None,
    delegate_options: tuple[str, ...],
    representative: str | None,
    max_drop: float | None,
    min_agreement: float | None,
    min_accuracy: float | None,
    custom_objects: str | None,
    trust: bool,
    data: str | None,
    data_dir: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Prove that the converted file in RUN is still the classifier that Keras trained, or say where it breaks.

    Climbs from Keras over float32 TFLite to the converted file on reference and on default kernels, and writes
    parity.SCHEME.html and .json. Exit code 1 if it breaks, if a gate fails, or if Keras itself is wrong on images whose
    class is known.

    Example: edgecnn parity runs/shoes --max-drop 0.3 --min-agreement 99.3
    """
    from edgecnn.convert import Gate, parity
    from edgecnn.run_directory import RunDirectory

    ctx.with_resource(import_options.code(custom_objects, trust).scope())
    gate = Gate(max_drop, min_agreement, min_accuracy)
    source = RunDirectory.of(run).require().path
    dataset = options.load_images(source, representative, data, data_dir)
    report = parity(
        source,
        dataset,
        scheme=scheme,
        output=output,
        images=images,
        gate=gate,
        force=force,
        files=files,
        delegate=make_delegate(delegate, delegate_options),
        progress=printing.note,
    )
    if as_json:
        from edgecnn.convert.comparison.report import to_dict

        printing.print_json(to_dict(report.ladder, report.findings, report.failures))
    else:
        _print(report)
    for failure in report.failures:
        printing.note(f"Error: {failure}")
    if not report.passed:
        ctx.exit(1)


def _print(report: "ParityReport") -> None:
    from edgecnn.convert.comparison.report import interval

    rows = []
    for rung in report.ladder.rungs:
        figures = rung.parity
        worst = min((layer.sqnr_db for layer in rung.layers), default=float("inf"))
        sqnr = "" if worst == float("inf") else f"{worst:z.1f} dB"
        p = "" if rung.mcnemar_p is None else f"{rung.mcnemar_p:.3g}"
        cells = (printing.percent(figures.agreement), p, f"{rung.max_difference:.2g}", sqnr)
        cells = cells if rung.layers else ("", "", "", "")
        rows.append((rung.name, printing.percent(figures.accuracy), interval(figures), *cells))
    header = ("rung", "accuracy", "95 % interval", "agreement", "McNemar p", "max |dp|", "worst SQNR")
    click.echo(printing.table(header, rows))
    for finding in report.findings:
        kind = "BROKEN" if finding.broken else "note"
        printing.say(f"{kind}: {finding.place}: {finding.words}")
    doubt = ": the file answers as Keras does, and Keras itself looks wrong" if report.verdict == "DOUBTFUL" else ""
    printing.say(f"{report.verdict}{doubt}")
    printing.say(f"wrote {report.html}, {report.json}")
