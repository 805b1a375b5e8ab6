"""What is printed of a fleet, and the same as a page: one file, without scripts, with nothing from elsewhere."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from edgecnn.printable import printable

_STYLE = """
:root { color-scheme: light dark; } body { font: 16px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 0 auto;
padding: 0 1rem 3rem; } h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .93rem; }
th, td { padding: .35rem .6rem; text-align: right; border-bottom: 1px solid #8885; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: Canvas; }
td.long { white-space: normal; min-width: 14rem; text-align: left; overflow-wrap: anywhere; }
tr.bad td { background: color-mix(in srgb, #c0392b 12%, Canvas); } p, li { overflow-wrap: anywhere; }
.verdict { padding: .6rem .9rem; border-left: 4px solid #2f7d4f; } .verdict.bad { border-color: #c0392b; }
"""
_MOST_CELL = 60
_LONG = 28


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: above it.
        header: of its columns.
        rows: cells; the first names the row.
        bad: numbers of the rows with which something is wrong.
        is_prose: whether a row reads as a line, not as columns.
    """

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    bad: frozenset[int] = frozenset()
    is_prose: bool = False


@dataclass(frozen=True)
class Page:
    """What is said of a fleet.

    Attributes:
        title: what it is.
        verdict: one sentence.
        is_bad: whether something is wrong.
        notes: what else is to be known, a sentence each.
        tables: in their order.
    """

    title: str
    verdict: str
    is_bad: bool
    notes: tuple[str, ...]
    tables: tuple[Table, ...]

    def html(self) -> str:
        """The page; every name in it is escaped."""
        bad = " bad" if self.is_bad else ""
        parts = [f"<h1>{_text(self.title)}</h1>", f'<p class="verdict{bad}">{_text(self.verdict)}</p>']
        tables = sorted((one for one in self.tables if one.rows), key=lambda one: not one.is_prose)
        parts += [_list(one) if one.is_prose else _table(one) for one in tables]
        parts += [f"<p>{_text(note)}</p>" for note in self.notes]
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        head += f"<title>{_text(self.title)}</title><style>{_STYLE}</style>"
        return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(parts)}</body></html>\n'


def cell(words: str) -> str:
    """What fits into a column; what is cut off is marked."""
    return words if len(words) <= _MOST_CELL else f"{words[: _MOST_CELL - 1]}…"


def _list(table: Table) -> str:
    lines = [f"<li><strong>{_text(row[0])}</strong>: {_text(row[-1])}</li>" for row in table.rows]
    return f"<h2>{_text(table.title)}</h2><ul>{''.join(lines)}</ul>"


def _table(table: Table) -> str:
    lines = [f"<tr>{''.join(f'<th>{_text(one)}</th>' for one in table.header)}</tr>"]
    for number, row in enumerate(table.rows):
        cells = "".join(
            f'<td class="long">{_text(one)}</td>' if place and len(one) > _LONG else f"<td>{_text(one)}</td>"
            for place, one in enumerate(row)
        )
        lines.append(f'<tr class="bad">{cells}</tr>' if number in table.bad else f"<tr>{cells}</tr>")
    return f'<h2>{_text(table.title)}</h2><div class="wide"><table>{"".join(lines)}</table></div>'


def _text(words: str) -> str:
    return html.escape(printable(words))
