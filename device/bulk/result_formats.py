"""Rows of results as CSV, JSON lines or Parquet."""

import csv
import importlib.util
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edgecnn.errors import InputError, MissingExtraError
from edgecnn.printable import printable, printable_json

# File names need not be text: their odd bytes are written as \udcff, which JSON reads back as they were.
ERRORS = "backslashreplace"
_GROUP = 1 << 16  # rows of a Parquet file that lie in memory at a time


def to_line(row: Mapping[str, Any]) -> str:
    """One row in JSON."""
    return printable_json(dict(row))


def flatten_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One line of a table: image, error, then label and score of each rank, then what else was asked for."""
    cells: dict[str, Any] = {name: row.get(name, "").encode(errors=ERRORS).decode() for name in ("image", "error")}
    for rank, prediction in enumerate(row.get("predictions", ()), start=1):
        cells[f"label_{rank}"], cells[f"score_{rank}"] = prediction["label"], prediction["score"]
    if "guess" in row:
        cells["guess"] = row["guess"]
    if "drift" in row:
        cells["drift"] = "; ".join(row["drift"])
    return cells


def _table(rows: Iterator[dict[str, Any]]) -> tuple[list[str], Iterator[dict[str, Any]]]:
    """The columns of a table, which are those of the last row up to the first with predictions, and all rows again."""
    first: list[dict[str, Any]] = []
    for row in rows:
        first.append(flatten_row(row))
        if "predictions" in row:
            break
    return list(first[-1]) if first else ["image", "error"], itertools.chain(first, map(flatten_row, rows))


def _write_csv(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    columns, cells = _table(rows)
    with open(path, "w", encoding="utf-8", errors=ERRORS, newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows({name: _shown(cell) for name, cell in row.items()} for row in cells)


def _shown(cell: Any) -> Any:
    """What shows of a name that would break a line or steer a terminal; JSON lines and Parquet have it as it is."""
    return printable(cell) if isinstance(cell, str) else cell


def _write_jsonl(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with open(path, "w", encoding="utf-8", errors=ERRORS) as file:
        for row in rows:
            file.write(f"{to_line(row)}\n")


def _write_parquet(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    import pyarrow
    import pyarrow.parquet

    columns, cells = _table(rows)
    kinds = [(name, pyarrow.float64() if name.startswith("score_") else pyarrow.string()) for name in columns]
    schema = pyarrow.schema(kinds)
    with open(path, "wb") as file, pyarrow.parquet.ParquetWriter(file, schema) as writer:
        while group := list(itertools.islice(cells, _GROUP)):
            few = [{name: row.get(name) for name in columns} for row in group]
            writer.write_table(pyarrow.Table.from_pylist(few, schema))


WRITERS = {".csv": _write_csv, ".jsonl": _write_jsonl, ".parquet": _write_parquet}
FORMATS = tuple(WRITERS)


def require_format(path: Path) -> None:
    """Make sure that a file of results can be written under this name.

    Raises:
        InputError: its suffix is none of `FORMATS`.
        MissingExtraError: Parquet without pyarrow.
    """
    if path.suffix not in FORMATS:
        raise InputError(f"{path} must end in {', '.join(FORMATS)}, which say the format")
    if path.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise MissingExtraError('Parquet needs pyarrow: pip install "edgecnn[parquet]"')
