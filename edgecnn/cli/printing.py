"""What every command prints: notes for people on standard error, results on standard output."""

import codecs
import json
import sys
from collections.abc import Sequence

import click

from edgecnn.native_output import stderr_lock


def note(message: str) -> None:
    """Tell people, on standard error."""
    with stderr_lock():
        click.echo(message, err=True)


def print_json(result: object) -> None:
    """Print a result for programs, on standard output."""
    unicode = codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name == "utf-8"
    click.echo(json.dumps(result, indent=2, ensure_ascii=not unicode))


def percent(share: float | None) -> str:
    """A share of 1 in percent; empty if it is not known."""
    return "" if share is None else f"{share:.2%}"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table for people: the first column left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
