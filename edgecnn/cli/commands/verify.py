"""edgecnn verify."""

import dataclasses
import math
from typing import TYPE_CHECKING

import click

from edgecnn.rounding import round_apart

from .. import description_options, options, printing
from ..runtime_options import RuntimeOptions, bundled, require_signature, trust

if TYPE_CHECKING:
    from edgecnn.device import Description, Verification


@click.command(name="verify")
@click.argument("model")
@options.min_accuracy
@description_options.bundled
@bundled
@trust
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
    description: "Description | None",
) -> None:
    """Replay the golden probes in MODEL on this machine: is it still the same classifier?

    Needs no data set, no network and no TensorFlow. Exits 0 if it is, 1 if not. A file without a card carries no
    probes: it is compared with the reference kernels of the CPU here, which tells what a delegate makes of it.

    Example: edgecnn verify fashion-mnist
    """
    from edgecnn.device.verification import verify_with_options

    run = runtime_options.run_options(description)
    result = verify_with_options(model, run)
    runtime_options.report(model, run)
    if as_json:
        difference = result.max_difference if math.isfinite(result.max_difference) else None
        printing.print_json({**dataclasses.asdict(result), "max_difference": difference, "passed": result.passed})
    else:
        _print(result)
    if result.preprocessing_equal is None:
        printing.note(
            "Note: the file carries no golden probes, so it was compared with this CPU, on patterns: nothing is said "
            "of other machines, nor of images; edgecnn pack writes a copy with probes"
        )
    for words in result.warnings:
        printing.note(f"warning: {words}")
    ctx.exit(0 if result.passed and _is_accurate(result.accuracy, min_accuracy) else 1)


def _print(result: "Verification") -> None:
    difference = round_apart(result.tolerance, result.max_difference, "g")
    within = "within" if result.max_difference <= result.tolerance else "ABOVE"
    made = "converted" if result.keras_top1_equal is not None else "packed"
    has_probes = result.preprocessing_equal is not None
    there = f"where it was {made}" if has_probes else "on the CPU here"
    printing.say(f"runtime          {result.runtime} here, {result.host_runtime} {there}")
    printing.say(f"top-1            {result.top1_equal} of {result.probes} probes as there")
    if result.keras_top1_equal is not None:
        printing.say(f"top-1 in Keras   {result.keras_top1_equal} of {result.probes} probes as in Keras")
    printing.say(f"max difference   {difference}, {within} the tolerance of {result.tolerance:g}")
    if has_probes:
        printing.say(f"preprocessing    {'equal to the bit' if result.preprocessing_equal else 'DIFFERENT'}")
    classifier = f"the classifier that was {made}" if has_probes else "it as its own reference kernels do"
    _print_origin(result)
    printing.say("PASS" if result.passed else f"FAIL: this machine does not run {classifier}")


def _print_origin(result: "Verification") -> None:
    """What was measured where the file was made, and who signed it."""
    if result.agreement is not None:
        accuracy = "" if result.accuracy is None else f"{result.accuracy:.2%} accuracy, "
        printing.say(f"parity           {accuracy}{result.agreement:.2%} agreement with Keras, where it was made")
    printing.say(f"signed by        {result.signature or 'nobody'}")


def _is_accurate(accuracy: float | None, least: float | None) -> bool:
    """Whether the accuracy that the file was made with is enough; says so where it is not."""
    if least is None or (accuracy is not None and 100 * accuracy >= least - 1e-9):
        return True
    unknown = "is not known: it was made without images with labels"
    found = unknown if accuracy is None else f"is {round_apart(least, 100 * accuracy)}%"
    printing.note(f"Error: the accuracy of the file {found}; {least:g} % are asked for (--min-accuracy)")
    return False
