"""What every command prints: notes for people on standard error, results on standard output."""

import codecs
import contextlib
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import click

from edgecnn.native_output import stderr_lock
from edgecnn.printable import printable, printable_json

_told: ContextVar[set[str] | None] = ContextVar("told", default=None)


def say(line: object) -> None:
    """Print one line of a result for people, on standard output; what does not show stands there escaped."""
    click.echo(printable(str(line)))


def note(message: str) -> None:
    """Tell people in one line, on standard error; what does not show stands there escaped."""
    told = _told.get()
    if told is not None:
        if message in told:
            return
        told.add(message)
    with stderr_lock():
        click.echo(with_own_pip(printable(message)), err=True)


@contextlib.contextmanager
def each_once() -> Iterator[None]:
    """Tell the same note once only: where the same is done for several models."""
    token = _told.set(set())
    try:
        yield
    finally:
        _told.reset(token)


def with_own_pip(text: str) -> str:
    """`text`; where it says `pip install`, with the pip of this environment."""
    if "pip install" not in text:
        return text
    from .own_pip import name_own_pip  # only who needs it waits for it

    return name_own_pip(text)


def print_json(result: object) -> None:
    """Print a result for programs, on standard output."""
    unicode = codecs.lookup(getattr(sys.stdout, "encoding", None) or "ascii").name == "utf-8"
    click.echo(printable_json(result, indent=2, only_ascii=not unicode))


def percent(share: float | None) -> str:
    """A share of 1 in percent; empty if it is not known."""
    return "" if share is None else f"{share:.2%}"


def table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table for people: the first column left-aligned, the others right-aligned; what does not show is escaped."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
