"""Predictions of many images in a file: CSV, JSON lines or Parquet, whole or to be gone on with."""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from edgecnn.atomic_files import claimed, replacing
from edgecnn.errors import InputError, OutputError

from .answer_counts import AnswerCounts
from .result_formats import ERRORS, WRITERS, require_format, to_line

if TYPE_CHECKING:
    from .shards import ShardFiles


class Results:
    """A file of results that grows in a partial file beside it, and is there when all is done.

    The partial file has a JSON line for what was asked for, and one for each image. A process that is killed leaves it;
    a torn last line counts as not done.

    Attributes:
        done: images that the partial file had.
        resumable: whether the images come again in another run.
        counts: what the images of the finished file are; of an unfinished one, none yet.
    """

    def __init__(
        self,
        path: str | Path,
        settings: Mapping[str, Any],
        *,
        resume: bool,
        force: bool,
        resumable: bool = True,
        shard: "ShardFiles | None" = None,
    ) -> None:
        """Start, or go on.

        Args:
            path: of the file to write; its suffix is one of `result_formats.FORMATS`.
            settings: what the results depend on (model, top, ...); a partial file of other things is not gone on with.
            resume: take over what a partial file has.
            force: replace a file that is there, or what a stopped run left.
            resumable: whether the images come again in another run; a camera's do not.
            shard: the images, where they are one of several shards: what `merge` needs is written beside the file.

        Raises:
            InputError: another suffix, or nothing to resume that goes with `settings`.
            OutputError: the file, or a stopped run's, is there already, is being written, or cannot be written.
            MissingExtraError: Parquet without pyarrow.
        """
        self.path = Path(path)
        require_format(self.path)
        self._partial = self.path.with_name(f".{self.path.name}.partial")
        self._shard, self.resumable = shard, resumable
        of_shard = {"shard": shard.shard, "images": shard.patterns} if shard is not None else {}
        self._settings = json.dumps({**settings, **of_shard}, sort_keys=True)
        self.done: set[str] = set()
        self.counts = AnswerCounts()
        with contextlib.ExitStack() as claim:
            claim.enter_context(claimed([self.path], force=True))
            self._begin(resume, force)
            self._claim = claim.pop_all()  # `finish` or `close` lets it go

    def _begin(self, resume: bool, force: bool) -> None:
        if os.path.lexists(self.path) and not force:  # a broken link would be replaced, too
            found = "exists already and is complete" if os.path.exists(self.path) else "is a link to nothing to be read"
            raise OutputError(f"{self.path} {found}; choose another name or add --force")
        try:
            if resume and self._has_settings():
                self._go_on()
            else:
                if not force and self._has_rows():
                    go_on = "go on with --resume, or " if self.resumable else ""
                    raise OutputError(f"{self._partial} is what a stopped run left: {go_on}start anew with --force")
                self._partial.unlink(missing_ok=True)  # what a link leads to is not ours, and a pipe would wait
                self._partial.write_text(f"{self._settings}\n", encoding="utf-8")
            # `finish` or `close` closes it.
            self._file = open(self._partial, "a", encoding="utf-8", errors=ERRORS)  # noqa: SIM115
        except OSError as error:
            self._remove_if_without_rows()
            raise OutputError(f"cannot write {self._partial}: {error.strerror}") from None

    def _remove_if_without_rows(self) -> None:
        with contextlib.suppress(OSError):
            if not self._has_rows():
                self._partial.unlink(missing_ok=True)

    def _has_settings(self) -> bool:
        """Whether there is a partial file; one that was stopped before its first line was whole is none."""
        if not self._partial.is_file():
            return False
        with open(self._partial, "rb") as file:
            return file.readline().endswith(b"\n")

    def _has_rows(self) -> bool:
        if not self._partial.is_file():
            return False
        with open(self._partial, "rb") as file:
            file.readline()
            return bool(file.readline())

    def _go_on(self) -> None:
        """Note the images that the partial file has; what a kill tore off its end, or is not confirmed, is cut away."""
        with open(self._partial, "rb+") as file:
            if file.readline().decode(errors="replace") not in (f"{self._settings}\n", self._any_delegate()):
                raise InputError(
                    f"{self._partial} was made with another model or other options; give the same, or start anew "
                    "with --force, without --resume"
                )
            whole = file.tell()
            for line in file:
                if not line.endswith(b"\n"):
                    break
                row = self._row(line)
                if row.get("unconfirmed"):
                    break
                self.done.add(row["image"])
                whole += len(line)
            file.truncate(whole)

    def _row(self, line: bytes) -> dict[str, Any]:
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            if _is_row(row):
                return row
        raise InputError(f"{self._partial} is damaged; start anew with --force, without --resume")

    @property
    def left(self) -> Path | None:
        """The partial file that --resume goes on with; None where it has no row, or the images do not come again."""
        return self._partial if self.resumable and self._has_rows() else None

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one image's result; it survives if the process is killed.

        Raises:
            OutputError: it cannot be written, such as on a full disk.
        """
        try:
            self._file.write(f"{to_line(row)}\n")
            self._file.flush()
        except OSError as error:
            goes_on = ", --resume goes on" if self.resumable else ""
            raise OutputError(f"cannot write {self._partial}: {error.strerror}; what is there stays{goes_on}") from None

    def mark(self, count: int) -> Path:
        """Mark the last `count` answers in the partial file, whose path is returned: --resume makes them anew.

        It does so with any delegate.

        Raises:
            OutputError: it cannot be written.
        """
        self._file.close()
        confirmed = sum("error" not in row for _, row in self._rows()) - count
        with replacing(self._partial) as temporary, open(temporary, "w", encoding="utf-8", errors=ERRORS) as marked:
            marked.write(self._any_delegate())
            for _, row in self._rows():
                confirmed -= "error" not in row
                marked.write(f"{to_line({**row, 'unconfirmed': True} if confirmed < 0 else row)}\n")
        return self._partial

    def _rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Where in the partial file each line begins, and what it says."""
        with open(self._partial, "rb") as file:
            offset = len(file.readline())
            for line in file:
                yield offset, json.loads(line)
                offset += len(line)

    def _any_delegate(self) -> str:
        """The first line of a partial file that --resume may go on with, whatever delegate it was made with."""
        settings = json.loads(self._settings)
        settings.pop("delegate", None)
        return f"{json.dumps(settings, sort_keys=True)}\n"

    def finish(self, order: Iterable[str] | None = None) -> Path:
        """Make the file of the partial one; its path.

        Args:
            order: of the images' names; None for the order in which they were added, without what is marked.

        Raises:
            OutputError: it cannot be written.
        """
        self._file.close()
        with replacing(self.path) as temporary:
            rows = self._confirmed() if order is None else self._in_order(order)
            WRITERS[self.path.suffix](temporary, self.counts.count(rows))
            if self._shard is not None:
                from .shard_records import record_path, sha256_of, write_record

                with replacing(record_path(self.path)) as record:
                    rows = self._in_order(self._shard.names)
                    write_record(record, self._shard, json.loads(self._settings), rows, sha256_of(temporary))
        os.unlink(self._partial)
        self._claim.close()
        return self.path

    def finish_confirmed(self, unconfirmed: int) -> Path | None:
        """Make the file of what there is, where its images do not come again; None where there is nothing.

        Args:
            unconfirmed: so many answers at the end are left out.

        Raises:
            OutputError: it cannot be written.
        """
        if unconfirmed:
            self.mark(unconfirmed)
        if any(self._confirmed()):
            return self.finish()
        self._partial.unlink()
        return None

    def _confirmed(self) -> Iterator[dict[str, Any]]:
        return (row for _, row in self._rows() if "unconfirmed" not in row)

    def _in_order(self, order: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The rows of these images; where each stands is known, so that they need not lie in memory."""
        offsets = {row["image"]: offset for offset, row in self._rows()}
        with open(self._partial, "rb") as file:
            for name in order:
                file.seek(offsets[name])
                yield json.loads(file.readline())

    def close(self) -> None:
        """Leave the partial file for --resume, if any row is in it; after `finish`, nothing."""
        is_finished = self._file.closed
        with contextlib.suppress(OSError):  # a full disk has been told of
            self._file.close()
        if not is_finished:
            self._remove_if_without_rows()
        self._claim.close()


def _is_row(row: object) -> TypeGuard[dict[str, Any]]:
    """Whether `row` is what was written for an image: its name, and an error or predictions with a label first."""
    match row:
        case {"image": str(), "error": _}:
            return True
        case {"image": str(), "predictions": [{"label": str()}, *_]}:
            return True
    return False
