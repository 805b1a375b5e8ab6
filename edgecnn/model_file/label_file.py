"""Class names in files as people have them: lines, numbered lines, Keras' class_indices, CSV."""

import csv
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ..arguments import require_path
from ..errors import InputError
from ..printable import composed, is_printable
from .label_text import lines_of, read_label_text, say

_BETWEEN = r"\s*(?:[:;,=|\t\uff1a\uff1b\uff0c\u3001]|[-=]>|\u2192)\s*"
# `0 cat`, `0: cat`, `0,cat`, `0. cat`, `0 - cat`, `[0] cat`; not `3D printer` nor `0.5 mm`.
_NUMBERED = re.compile(rf"\[?([0-9]{{1,6}})(?:{_BETWEEN}|[.)\]]\s+|\s+-\s+|\s+)(\S.*)")
# `cat,0`, `cat: 0`; of `Boeing 747` the number may be part of the name.
_NUMBERED_BEHIND = re.compile(rf"(.*\S)(?:{_BETWEEN})([0-9]{{1,6}})")
_ENDS_WITH_NUMBER = re.compile(r"(.*\S)\s+([0-9]{1,6})")
_NUMBER = re.compile(r"[0-9]{1,6}")
_QUOTED = re.compile(r"""(["'])(.+)\1,?""")
_NAME_HEADERS = frozenset(
    ("label", "labels", "name", "names", "class", "classes", "class_name", "category", "display_name")
)


def read_labels(path: str | Path) -> tuple[str, ...]:
    """Class names in output order from a text file, a CSV or a JSON file.

    What says an order is obeyed, and a warning says so: lines that are numbered 0 to n - 1 in any order (`0 cat`,
    `0: cat`), a column of such numbers in a .csv, `{"cat": 0}` or `{"0": "cat"}` in JSON. Else names stand in output
    order, one a line, and a number is part of a name. UTF-8, or UTF-16 with its mark in front.

    Raises:
        InputError: missing, not text, fewer than two names, or an empty, repeated or wrongly numbered one.
    """
    text = read_label_text(require_path(path, "a file of labels"))
    kind = Path(path).suffix.lower()
    if kind in (".yaml", ".yml"):
        raise InputError(f"{path} is YAML, which is not read; give a text file with one class name a line, or JSON")
    lines = lines_of(text.rstrip())
    if (lines[0][:1], lines[-1][-1:]) in (("{", "}"), ("[", "]")) or kind == ".json":
        labels = _from_json(text, path)
    elif kind in (".csv", ".tsv"):
        labels = _from_csv(text, path)
    else:
        labels = list(names_of_lines(lines if text.strip() else [], path))
    # Numbers may have put them into another order than that of the lines.
    _require_names(labels, path, "line" if labels == lines else "name")
    return tuple(labels)


def names_of_lines(lines: Sequence[str], path: str | Path) -> tuple[str, ...]:
    """Class names in output order from the lines of a text file, numbered or not; see `read_labels`.

    Args:
        lines: of the file.
        path: names it in what is said.

    Raises:
        InputError: a number has no name.
    """
    return tuple(_without_quotes(_from_lines([composed(line.strip()) for line in lines], path), path))


def _without_quotes(names: list[str], path: str | Path) -> list[str]:
    """Names without the quotation marks, or the comma behind, that every one of them has: of a list in a program."""
    matches = [_QUOTED.fullmatch(name) for name in names]
    if len(names) > 1 and all(matches):
        say(f"every name of {path} stands in quotation marks: they are no part of it")
        return [match[2] for match in matches if match]
    # Behind the last one a list may lack it.
    if len(names) > 1 and all(name.endswith(",") for name in names[:-1]):
        say(f"a comma ends the lines of {path}: it is no part of the names")
        return [name.removesuffix(",").rstrip() for name in names]
    return names


def _from_lines(lines: list[str], path: str | Path) -> list[str]:
    behind = [(int(match[2]), match[1]) for line in lines if (match := _NUMBERED_BEHIND.fullmatch(line))]
    numbered = [(int(match[1]), match[2]) for line in lines if (match := _NUMBERED.fullmatch(line))]
    if len(behind) == len(lines) and _is_order([number for number, _ in behind]):
        numbered = behind
    numbers = [number for number, _ in numbered]
    if len(lines) < 2 or len(numbered) < len(lines):
        _say_if_some_are_numbered(lines, path)
        _say_if_numbered_behind(lines, path)
        return lines
    in_place = numbers == list(range(len(lines)))
    if in_place and len({name for _, name in numbered}) < len(lines):
        say(f"the lines of {path} differ by their numbers alone: the numbers are part of the names")
        return lines
    if not _is_order(numbers):
        say(
            f"every line of {path} begins with a number, but these are not 0 to {len(lines) - 1}: the lines are taken "
            "in the order in which they stand, and the numbers are part of the names"
        )
        return lines
    say(f"the lines of {path} are numbered: the numbers are their order, and no part of the names")
    return [name for _, name in sorted(numbered)]


def _say_if_some_are_numbered(lines: Sequence[str], path: str | Path) -> None:
    """Of lines that mostly begin with the number of their place, say what the rest is taken for.

    Raises:
        InputError: one is its number alone: its name is missing.
    """
    count = 0
    for number, line in enumerate(lines):
        match = _NUMBERED.fullmatch(line)
        count += match is not None and int(match[1]) == number
    bare = [number for number, line in enumerate(lines) if not _NUMBERED.fullmatch(line)]
    if count < 2 or 2 * count <= len(lines):
        return
    for number in bare:
        if lines[number].rstrip(":,;.) ") == str(number):
            raise InputError(f"{path}: line {number + 1} has a number and no name; give one, as the other lines do")
    say(
        f"most lines of {path} begin with the number of their place, but line {bare[0] + 1}, {lines[bare[0]]!r}, does "
        "not: the numbers are part of the names"
    )


def _say_if_numbered_behind(lines: Sequence[str], path: str | Path) -> None:
    """Of `cat 1` and `dog 0` nothing says whether the number is an order; of `class 1` and `class 0` it cannot be."""
    matches = [match for line in lines if (match := _ENDS_WITH_NUMBER.fullmatch(line))]
    differ = len({match[1] for match in matches}) == len(lines)
    if len(matches) == len(lines) > 1 and differ and _is_order([int(match[2]) for match in matches]):
        say(
            f"every line of {path} ends with a number, 0 to {len(lines) - 1}: the lines are taken in the order in "
            "which they stand, and the numbers are part of the names; if they are the order, put them in front"
        )


def _from_csv(text: str, path: str | Path) -> list[str]:
    delimiter = max(",;\t", key=text.split("\n")[0].count)
    try:
        rows = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise InputError(
            f"{path} does not read as CSV ({error}); give a text file with one class name a line"
        ) from None
    width = len(rows[0]) if rows else 0
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            raise InputError(f"{path}: row {number} has {len(row)} columns, the first has {width}; make them equal")
    header = [cell.lower() for cell in rows[0]] if rows else []
    if width == 1:
        body = rows[1:] if header[0] in _NAME_HEADERS else rows
        if len(body) < len(rows):
            say(f"the first row of {path}, {rows[0][0]}, was taken for the heading of its column")
        return _from_lines([row[0] for row in body], path)
    for start in (0, 1):  # with and without a heading
        body = rows[start:]
        orders = [column for column in range(width) if _is_order([_number(row[column]) for row in body])]
        if len(orders) == 1 and (name := _name_column(header if start else [], width, orders[0])) is not None:
            say(f"column {orders[0] + 1} of {path} gives the order of the names in column {name + 1}")
            return [row[name] for row in sorted(body, key=lambda row: int(row[orders[0]]))]
    raise InputError(
        f"{path} must have a column of class names and perhaps one with their numbers, 0 to n - 1; where there are "
        f"more, the first row must call one of them label. Received: {width} columns, the first row "
        f"{', '.join(rows[0]) if rows else 'missing'}"
    )


def _name_column(header: Sequence[str], width: int, order: int) -> int | None:
    others = [column for column in range(width) if column != order]
    named = [column for column in others if header and header[column] in _NAME_HEADERS]
    candidates = others if len(others) == 1 else named
    return candidates[0] if len(candidates) == 1 else None


def _from_json(text: str, path: str | Path) -> list[str]:
    try:  # an object becomes the tuple of its pairs: a dict would drop repeated names
        content: object = json.loads(text, object_pairs_hook=tuple)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path} does not read as JSON ({error}); write class_indices with json.dump, or give a text "
            "file with one class name a line"
        ) from None
    if isinstance(content, list) and all(isinstance(name, str) for name in content):
        return [composed(name.strip()) for name in content]
    numbered = _numbered_pairs(content) if isinstance(content, tuple) else []
    if not numbered or not _is_order([number for number, _ in numbered]):
        raise InputError(
            f'{path} must hold {{"cat": 0, "dog": 1}}, {{"0": "cat", "1": "dog"}} or ["cat", "dog"], its numbers 0 to '
            "n - 1"
        )
    say(f"the numbers in {path} are the order of its names")
    return [composed(name.strip()) for _, name in sorted(numbered)]


def _numbered_pairs(items: tuple[tuple[str, object], ...]) -> list[tuple[int, str]]:
    """Numbers and names, whichever of them is the key; empty if they are neither way round."""
    if all(type(value) is int for _, value in items):
        return [(value, key) for key, value in items if isinstance(value, int)]
    if all(isinstance(value, str) and _NUMBER.fullmatch(key) for key, value in items):
        return [(int(key), str(value)) for key, value in items]
    return []


def _number(cell: str) -> int:
    return int(cell) if _NUMBER.fullmatch(cell) else -1


def _is_order(numbers: Sequence[int]) -> bool:
    return bool(numbers) and sorted(numbers) == list(range(len(numbers)))


def _require_names(labels: Sequence[str], path: str | Path, one: str) -> None:
    if len(labels) < 2:
        raise InputError(f"{path} must name 2 classes at least, one a line. Received: {len(labels)}")
    seen: set[str] = set()
    for number, label in enumerate(labels, start=1):
        if not label:
            raise InputError(f"{path}: {one} {number} is empty; give one class name a line, in output order")
        if not is_printable(label):
            raise InputError(f"{path}: {one} {number}, {label!r}, holds a character that is no text; leave it out")
        if label in seen:
            raise InputError(f"{path}: {one} {number} repeats {label!r}; class names must differ")
        seen.add(label)
