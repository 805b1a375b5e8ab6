"""What is printed of a fleet, and the same as a page: one file, without scripts, with nothing from elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from edgecnn.html_page import page, text

# A row has many columns: the page is wider, and the first, the device's name, stays where the others move.
_STYLE = """
body { max-width: 76rem; } table { font-size: .93rem; }
th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; min-width: 8.5rem; }
td:first-child { white-space: normal; overflow-wrap: anywhere; }
td.long { white-space: normal; min-width: 14rem; text-align: left; overflow-wrap: anywhere; }
tr.bad td { background: color-mix(in srgb, #c0392b 12%, Canvas); }
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
        kind = "finding broken" if self.is_bad else "finding"
        parts = [f"<h1>{text(self.title)}</h1>", f'<p class="{kind}">{text(self.verdict)}</p>']
        tables = sorted((one for one in self.tables if one.rows), key=lambda one: not one.is_prose)
        parts += [_list(one) if one.is_prose else _table(one) for one in tables]
        parts += [f"<p>{text(note)}</p>" for note in self.notes]
        parts.append(f"<p>As of {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC.</p>")  # "2 s ago" is no time
        return page(self.title, parts, _STYLE)


def cell(words: str) -> str:
    """What fits into a column; what is cut off is marked."""
    return words if len(words) <= _MOST_CELL else f"{words[: _MOST_CELL - 1]}…"


def _list(table: Table) -> str:
    lines = [f"<li><strong>{text(row[0])}</strong>: {text(row[-1])}</li>" for row in table.rows]
    return f"<h2>{text(table.title)}</h2><ul>{''.join(lines)}</ul>"


def _table(table: Table) -> str:
    lines = [f"<tr>{''.join(f'<th>{text(one)}</th>' for one in table.header)}</tr>"]
    for number, row in enumerate(table.rows):
        cells = "".join(
            f'<td class="long">{text(one)}</td>' if place and len(one) > _LONG else f"<td>{text(one)}</td>"
            for place, one in enumerate(row)
        )
        lines.append(f'<tr class="bad">{cells}</tr>' if number in table.bad else f"<tr>{cells}</tr>")
    return f'<h2>{text(table.title)}</h2><div class="wide"><table>{"".join(lines)}</table></div>'
