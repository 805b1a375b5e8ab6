"""Make one file of results of those of all shards."""

import contextlib
import heapq
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from edgecnn.atomic_files import claimed, replacing
from edgecnn.errors import InputError

from .answer_counts import AnswerCounts
from .result_formats import WRITERS, require_format
from .shard_records import ShardRecord, record_path

_NAMED = 3  # commands that a message gives in full
_WORDS = {  # for settings that people know by other names
    "images": "list of images",
    "drift": "--drift",
    "top": "--top",
    "invert": "--invert",
    "crop": "--crop",
    "min_score": "--min-score",
    "description": "description of the model (--labels, --input-range, ...)",
}


class Merged(NamedTuple):
    """What was merged.

    Attributes:
        path: of the file.
        shards: how many there were.
        counts: what the images are.
    """

    path: Path
    shards: int
    counts: AnswerCounts


def merge(output: str | Path, shards: Iterable[str | Path], *, force: bool = False) -> Merged:
    """Write the results of all shards into one file, in the order that one run would have given them.

    However many rows there are, they do not lie in memory. A merge that was killed leaves no file; it is done again.

    Args:
        output: the file to write; its suffix is one of `FORMATS`, which need not be the shards'.
        shards: the shards' files of results, beside which their records stand; or the records. The file of a merge
            before, which a pattern matches too, is none.
        force: replace a file that is there.

    Raises:
        InputError: a shard is missing, is there twice, is damaged or was made with other images, another model or other
            options than the rest; the sentence has the command that makes it.
        OutputError: the file is there already, or cannot be written.
        MissingExtraError: Parquet without pyarrow.
    """
    path = Path(output)
    require_format(path)
    counts, given = AnswerCounts(), [Path(shard) for shard in shards]
    given = list({os.path.abspath(one): one for one in given}.values())
    given = [one for one in given if not _is_same(one, path) or record_path(one).exists()] or given
    with claimed([path], force):
        records = _complete(_read(list(dict.fromkeys(map(record_path, given)))))
        with replacing(path) as temporary:
            WRITERS[path.suffix](temporary, counts.count(_merged(records)))
    return Merged(path, len(records), counts)


def _is_same(one: Path, other: Path) -> bool:
    with contextlib.suppress(OSError):
        return one.samefile(other)
    return False


def _read(paths: Sequence[Path]) -> list[ShardRecord]:
    """The records that are there; one that is named and not there is a missing shard, unless its results are there."""
    records = [ShardRecord(path) for path in paths if path.exists() or path.with_suffix("").exists()]
    if not records:
        raise InputError(f"{paths[0].with_suffix('')} is not there; edgecnn classify --shard --output makes the shards")
    return records


def _complete(records: Sequence[ShardRecord]) -> list[ShardRecord]:
    """The records of all shards, in order, of one model, one set of options and one set of images."""
    first = max(records, key=lambda record: sum(record.settings == other.settings for other in records))
    by_number: dict[int, ShardRecord] = {}
    for record in records:
        if record.shard.of != first.shard.of:
            raise InputError(
                f"{first.results} is shard {first.shard}, and {record.results} is {record.shard}: shards of two "
                "different divisions; merge those of one"
            )
        if (other := by_number.setdefault(record.shard.number, record)) is not record:
            raise InputError(f"shard {record.shard} is there twice: {other.results} and {record.results}; name one")
    if missing := [number for number in range(1, first.shard.of + 1) if number not in by_number]:
        raise InputError(_say_missing(first, missing))
    for record in records:
        if differing := _difference(first.settings, record.settings):
            raise InputError(
                f"{record.results} was made with another {differing} than {first.results}; make it again as that was: "
                f"{first.command(record.shard.number, record.results, '--force')}"
            )
    newest = max(records, key=lambda record: record.listed)
    for record in by_number.values():
        if record.share != (share := newest.shares[record.shard.number - 1]):
            raise InputError(
                f"{record.results} has not the images that there are: {record.share.images:,} images were shard "
                f"{record.shard}, but {share.images:,}, or others, when shard {newest.shard} was made after it; "
                f"make it again: {newest.command(record.shard.number, record.results, '--force')}"
            )
    for record in by_number.values():
        record.require_whole()
    return [by_number[number] for number in sorted(by_number)]


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first of the settings that differ, in words; empty if none does."""
    for key in dict.fromkeys(["model", *one, *other]):
        if one.get(key) != other.get(key):
            return _WORDS.get(key, key)
    return ""


def _say_missing(first: ShardRecord, missing: Sequence[int]) -> str:
    """Which shards are not there, and the commands that make them, or go on with them."""
    begun, of = _unfinished(first), first.shard.of
    suffix = first.results.suffix
    outputs = {number: first.results.with_name(f"shard-{number}-of-{of}{suffix}") for number in missing} | begun
    commands = [first.command(number, outputs[number], "--resume") for number in missing[:_NAMED]]
    which = ", ".join(map(str, missing[:20])) + (", ..." if len(missing) > 20 else "")
    more = f"; and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    return f"of {of} shards these are not there, or not finished: {which}; make: {'; '.join(commands)}{more}"


def _unfinished(first: ShardRecord) -> dict[int, Path]:
    """By number, the results that a stopped run began in the folder of a shard."""
    begun: dict[int, Path] = {}
    for partial in first.path.parent.glob(".*.partial"):
        try:
            with open(partial, "rb") as file:
                shard = json.loads(file.readline()).get("shard")
        except (OSError, ValueError, AttributeError):
            continue
        match shard:
            case [int(number), first.shard.of]:
                begun[number] = partial.with_name(partial.name[1 : -len(".partial")])
    return begun


def _merged(records: Sequence[ShardRecord]) -> Iterator[dict[str, Any]]:
    """All rows, in the order of one run: as the images were named, and sorted within a folder or a pattern."""
    for row in heapq.merge(*(record.rows() for record in records), key=itemgetter("argument", "image")):
        del row["argument"]
        yield row
