"""What a conversion made, as a table for people and as JSON for programs."""

from typing import TYPE_CHECKING, Any

import click

from . import confidence_lines, printing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgecnn.convert import Conversion, ConvertedFile


def show_all(conversions: "Sequence[Conversion]", as_json: bool) -> None:
    """Print them for people or as JSON, and on standard error what is wrong with Keras' own answers."""
    for words in dict.fromkeys(words for conversion in conversions for words in conversion.warnings):
        printing.note(f"warning: {words}")
    if as_json:
        printing.print_json([to_dict(conversion) for conversion in conversions])
        return
    for conversion in conversions:
        show(conversion)


def show(conversion: "Conversion") -> None:
    """Print it for people."""
    files = [file for file in (conversion.plain, conversion.activations) if file]
    parity = conversion.plain.parity
    rows = [_row(str(file.path), file) for file in files]
    keras = ("Keras", "", "", printing.percent(parity.keras_accuracy), "", "")
    click.echo(
        printing.table(("file", "bytes", "of float32", "accuracy", "95 % interval", "agreement"), [keras, *rows])
    )
    float32 = round(conversion.plain.size_bytes / conversion.plain.ratio)
    printing.say(f"on {parity.images:,} images; a float32 file with the same card and probes has {float32:,} bytes")
    if conversion.bit_equal:
        printing.say("probabilities of both files: equal to the bit")
    for line in confidence_lines.lines(conversion.confidence, conversion.doubt):
        printing.say(line)
    for layer in conversion.layers:
        printing.say(f"  SQNR {layer.sqnr_db:z6.1f} dB  {layer.name}")
    for note in conversion.notes:
        printing.say(note)
    if conversion.compiled:
        printing.say(f"compiled: {conversion.compiled}")


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


def to_dict(conversion: "Conversion") -> dict[str, Any]:
    """Every figure of it, ready for JSON; infinite decibels are null."""
    import dataclasses
    import math

    data = dataclasses.asdict(conversion)
    for file in ("plain", "activations"):
        if data[file]:
            data[file]["path"] = str(data[file]["path"])
    data["compiled"] = str(data["compiled"]) if data["compiled"] else None
    for layer in data["layers"]:
        if not math.isfinite(layer["sqnr_db"]):
            layer["sqnr_db"] = None
    return data
