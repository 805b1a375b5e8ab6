"""Images that lie in one folder, with their labels in a CSV file or in their own names."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edgecnn.errors import DataError, InputError
from edgecnn.model_file.label_text import read_label_text
from edgecnn.pixels.image_files import SUFFIXES, find_images
from edgecnn.printable import composed

from .folder_layout import ImageList, split_of

_LABEL_HEADERS = frozenset(
    ("label", "labels", "class", "classes", "class_name", "category", "target", "breed", "species")
)
_FILE_HEADERS = frozenset(
    (
        "file",
        "files",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "path",
        "image",
        "images",
        "image_id",
        "img",
        "id",
    )
)
_SPLIT_HEADERS = frozenset(("split", "set", "subset", "partition"))
# cat.12.jpg, cat_12.jpg, cat (12).jpg, cat12.jpg
_NAMED = re.compile(r"(.*?[^\W\d_].*?)[\s._-]*\(?\d+\)?")

_Known = Mapping[str, str | None]
_Lists = tuple[tuple[str, ...], dict[str, ImageList]]


def list_by_names(folder: Path) -> _Lists:
    """The images in `folder`, with what their names say before the number as label: cat of cat.12.jpg.

    Raises:
        DataError: no images, or one whose name is not a label and a number.
    """
    rows = []
    for path in _find(folder):
        match = _NAMED.fullmatch(Path(path).stem)
        if not match:
            raise DataError(
                f"{path}: its name is no label with a number, such as cat.12.jpg; rename it, or give labels with "
                "--labels-csv"
            )
        rows.append((path, composed(match[1])))
    return _make_lists({"train": rows})


def list_by_csv(listing: Path, folder: Path, progress: Callable[[str], None]) -> _Lists:
    """The images in `folder` that a CSV file names, with the labels that it gives them.

    One column names files of `folder` or of folders in it, with or without the suffix; another, called label or class
    where there are several, what they show; one called split may say train, validation or test.

    Args:
        listing: the CSV file.
        folder: of the images.
        progress: is told which columns were taken, and of images that are not listed.

    Raises:
        DataError: it does not read so, names files that are not there, or one with two labels.
    """
    lines, rows = _read_rows(listing)
    images = _find(folder)
    known, folded = _by_name(images, str), _by_name(images, str.casefold)
    paths = [[_place(cell, folder, known, folded) for cell in row] for row in rows]
    files = _file_column(listing, folder, rows, paths)
    has_header = _is_heading(rows, files, is_image=paths[0][files] is not None)
    header = [cell.lower() for cell in rows[0]] if has_header else []
    label, split = _columns(listing, rows, header, files)
    words = f"column {files + 1} names the files, {label + 1} their labels"
    progress(
        f"{listing}: {words}{'' if split is None else f', {split + 1} their splits'}"
        f"{'; the first row was taken for headings' if header else ''}"
    )
    found: dict[str, tuple[str, str]] = {}
    first = 1 if header else 0
    for number, row, places in zip(lines[first:], rows[first:], paths[first:], strict=True):
        path = places[files]
        if not path:
            raise DataError(
                f"{listing}: line {number} names {row[files]}, which is no image of {folder}, or of several"
            )
        if not row[label]:
            raise DataError(f"{listing}: line {number} gives {row[files]} no label; give one, or remove the line")
        entry = (row[label], _split(listing, number, row[split]) if split is not None else "train")
        if found.setdefault(path, entry) != entry:
            raise DataError(f"{listing}: line {number} gives {row[files]} another label or split than a line before")
    left = len(set(known.values()) - {None, *found})
    if left:
        progress(f"{folder}: {left:,} images are not in {listing} and are left out")
    return _by_split(listing, found)


def _is_heading(rows: Sequence[Sequence[str]], files: int, is_image: bool) -> bool:
    """Whether the first row is one; `image` is, though there may be an image.jpg, above names with a suffix."""
    name, body = rows[0][files], rows[1:]
    if Path(name).suffix.lower() in SUFFIXES:
        return False
    with_suffix = any(Path(row[files]).suffix.lower() in SUFFIXES for row in body)
    return not is_image or (name.lower() in _FILE_HEADERS and with_suffix)


def _file_column(
    listing: Path, folder: Path, rows: Sequence[Sequence[str]], paths: Sequence[Sequence[str | None]]
) -> int:
    """The column that names the images: by their suffixes, else by names that are there; never one of several."""
    body = range(1 if len(rows) > 1 else 0, len(rows))

    def mostly(is_one: Callable[[int, int], bool]) -> list[int]:
        return [column for column in range(len(rows[0])) if 2 * sum(is_one(row, column) for row in body) > len(body)]

    # A column of row numbers, as pandas writes, must not be taken for 0.jpg, 1.jpg.
    columns = mostly(lambda row, column: Path(rows[row][column]).suffix.lower() in SUFFIXES)
    columns = columns or mostly(lambda row, column: paths[row][column] is not None)
    named = [column for column in columns if rows[0][column].lower() in _FILE_HEADERS]
    if len(columns) > 1:
        columns = named if len(named) == 1 else columns
    if not columns or not any(row[columns[0]] for row in paths):
        raise DataError(
            f"{listing} names no image of {folder}, or few; its first row is: {', '.join(rows[0])}; check --data"
        )
    if len(columns) > 1:
        raise DataError(
            f"{listing}: columns {' and '.join(str(column + 1) for column in columns)} both name images of "
            f"{folder}; call the right one file, in the first row. Received: {', '.join(rows[0])}"
        )
    return columns[0]


def _key(cell: str) -> str:
    return cell.replace("\\", "/").removeprefix("./").lstrip("/")


def _place(cell: str, folder: Path, known: _Known, folded: _Known) -> str | None:
    """The image that a cell names: the file may come from where the same folder lies elsewhere, or case is ignored."""
    name = composed(_key(cell))
    _, found, rest = f"/{name}".partition(f"/{composed(folder.resolve().name)}/")
    names = [name, f"{composed(folder.resolve().name)}/{rest}"] if found else [name]
    places = [known[each] for each in names if each in known]
    return places[0] if places else next((place for each in names if (place := folded.get(each.casefold()))), None)


def _by_split(listing: Path, found: Mapping[str, tuple[str, str]]) -> _Lists:
    splits: dict[str, list[tuple[str, str]]] = {}
    for path, (name, part) in found.items():
        splits.setdefault(part, []).append((path, name))
    if "train" not in splits:
        raise DataError(f"{listing} has {', '.join(splits)} but no train among its splits; add it")
    return _make_lists(splits)


def _find(folder: Path) -> list[str]:
    try:
        return find_images([str(folder)])
    except InputError as error:
        raise DataError(str(error)) from None


def _read_rows(listing: Path) -> tuple[list[int], list[list[str]]]:
    """The rows that are not blank, and the numbers of the lines on which they end."""
    try:
        text = read_label_text(listing)
        delimiter = max(",;\t", key=text.split("\n")[0].count)
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        numbered = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except InputError as error:
        raise DataError(str(error)) from None
    except csv.Error as error:
        raise DataError(f"{listing} does not read as CSV ({error}); save it again") from None
    lines, rows = [line for line, _ in numbered], [row for _, row in numbered]
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{listing} must have a column of files and one of labels. Received: {rows[:1] or 'no row'}")
    for number, row in numbered:
        if len(row) != len(rows[0]):
            raise DataError(f"{listing}: line {number} has {len(row)} columns, the first has {len(rows[0])}")
    return lines, rows


def _by_name(paths: Sequence[str], spelled: Callable[[str], str], /) -> _Known:
    """Every trailing part of every path, with and without its suffix; None where several images are called so."""
    known: dict[str, str | None] = {}
    for path in paths:
        parts = Path(path).parts
        for start in range(len(parts)):
            name = spelled(composed("/".join(parts[start:]).lstrip("/")))
            if not name:
                continue
            for key in {name, str(Path(name).with_suffix("").as_posix())}:
                known[key] = path if known.get(key, path) == path else None
    return known


def _columns(listing: Path, rows: Sequence[Sequence[str]], header: Sequence[str], files: int) -> tuple[int, int | None]:
    """Which columns hold labels and, if one does, splits."""
    first = rows[0]
    split = next((column for column, name in enumerate(header) if name in _SPLIT_HEADERS and column != files), None)
    others = [column for column in range(len(first)) if column not in (files, split)]
    named = [column for column in others if header and header[column] in _LABEL_HEADERS]
    labels = others if len(others) == 1 else named
    if len(labels) == 1:
        return labels[0], split
    if header and len(others) > 1 and all(row[column] in ("0", "1") for row in rows[1:] for column in others):
        raise DataError(
            f"{listing} has a column of 0 and 1 for each class; give their names in one column called label instead: "
            "with pandas, table[classes].idxmax(axis=1)"
        )
    raise DataError(
        f"{listing}: which column holds the labels is not said; call one of them label, in the first row. "
        f"Received: {', '.join(first)}"
    )


def _split(listing: Path, number: int, value: str) -> str:
    said = split_of(value)
    if not said:
        raise DataError(f"{listing}: line {number} has the split {value!r}; give train, validation or test")
    return said[0]


def _make_lists(splits: dict[str, list[tuple[str, str]]]) -> _Lists:
    names = {name for rows in splits.values() for _, name in rows}
    numbers = all(re.fullmatch(r"\d{1,9}", name, re.ASCII) for name in names)
    labels = tuple(sorted(names, key=int if numbers else str))
    index = {name: row for row, name in enumerate(labels)}
    lists = {}
    for part, rows in splits.items():
        ordered = sorted((index[name], path) for path, name in rows)
        lists[part] = ImageList([path for _, path in ordered], np.array([row for row, _ in ordered], np.int64))
    return labels, lists
