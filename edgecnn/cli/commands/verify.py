"""edgecnn verify."""

import dataclasses
from typing import TYPE_CHECKING

import click

from .. import options, printing
from ..runtime_options import RuntimeOptions, bundled, require_signature

if TYPE_CHECKING:
    from edgecnn.device import Verification


@click.command(name="verify")
@click.argument("model")
@options.min_accuracy
@bundled
@require_signature
@options.as_json
@options.verbose
@click.pass_context
def command(
    ctx: click.Context,
    /,
    model: str,
    min_accuracy: float | None,
    as_json: bool,
    runtime_options: RuntimeOptions,
) -> None:
    """Replay the golden probes in MODEL on this machine: is it still the same classifier?

    Needs no data set, no network and no TensorFlow. Exits 0 if it is, 1 if not.

    Example: edgecnn verify fashion-mnist
    """
    from edgecnn.device import verify

    run = runtime_options.run_options()
    result = verify(
        model,
        threads=run.threads,
        delegate=run.delegate,
        runtime=run.runtime,
        require_signature=run.require_signature,
    )
    runtime_options.report(model, run)
    if as_json:
        printing.print_json({**dataclasses.asdict(result), "passed": result.passed})
    else:
        within = "within" if result.max_difference <= result.tolerance else "ABOVE"
        made = "converted" if result.keras_top1_equal is not None else "packed"
        click.echo(f"runtime          {result.runtime} here, {result.host_runtime} where it was {made}")
        click.echo(f"top-1            {result.top1_equal} of {result.probes} probes as there")
        if result.keras_top1_equal is not None:
            click.echo(f"top-1 in Keras   {result.keras_top1_equal} of {result.probes} probes as in Keras")
        click.echo(f"max difference   {result.max_difference:.2g}, {within} the tolerance of {result.tolerance:g}")
        click.echo(f"preprocessing    {'equal to the bit' if result.preprocessing_equal else 'DIFFERENT'}")
        _print_origin(result)
        click.echo("PASS" if result.passed else f"FAIL: this machine does not run the classifier that was {made}")
    for words in result.warnings:
        printing.note(f"warning: {words}")
    ctx.exit(0 if result.passed and _is_accurate(result.accuracy, min_accuracy) else 1)


def _print_origin(result: "Verification") -> None:
    """What was measured where the file was made, and who signed it."""
    if result.agreement is not None:
        accuracy = "" if result.accuracy is None else f"{result.accuracy:.2%} accuracy, "
        click.echo(f"parity           {accuracy}{result.agreement:.2%} agreement with Keras, where it was made")
    click.echo(f"signed by        {result.signature or 'nobody'}")


def _is_accurate(accuracy: float | None, least: float | None) -> bool:
    """Whether the accuracy that the file was made with is enough; says so where it is not."""
    if least is None or (accuracy is not None and 100 * accuracy >= least - 1e-9):
        return True
    found = "is not known: it was converted with images without labels" if accuracy is None else f"is {accuracy:.2%}"
    printing.note(f"Error: the accuracy of the file {found}; {least:g} % are asked for (--min-accuracy)")
    return False
