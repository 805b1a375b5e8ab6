"""What stands beside the results of a shard, so that they can be merged: all its rows, and what they depend on.

JSON lines: a header, a line for each image, and an end with the SHA-256 of what is before it. A copy that lost its end,
or a byte, is noticed.
"""

import contextlib
import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.errors import InputError

from .result_formats import ERRORS, to_line
from .shards import Shard, Share

if TYPE_CHECKING:
    from .shards import ShardFiles

SUFFIX = ".shard"
_VERSION = 1
_BLOCK = 1 << 16  # bytes; a thousand shards are read side by side


def record_path(results: Path) -> Path:
    """Of the record beside a file of results."""
    return results if results.suffix == SUFFIX else results.with_name(results.name + SUFFIX)


def write_record(
    path: Path, files: "ShardFiles", settings: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], results: str
) -> None:
    """Write what a shard has.

    Args:
        path: of the file.
        files: its images.
        settings: what its results depend on.
        rows: its results, in the order of `files`.
        results: SHA-256 of the file of results, in hexadecimal.
    """
    header = {
        "edgecnn_shard": _VERSION,
        "shard": files.shard,
        "settings": {key: value for key, value in settings.items() if key != "shard"},
        "words": files.words,
        "listed": files.listed,
        "shares": files.shares,
    }
    digest, count = hashlib.sha256(), 0
    with open(path, "wb") as file:

        def write(line: Mapping[str, Any]) -> None:
            data = f"{to_line(line)}\n".encode(errors=ERRORS)
            digest.update(data)
            file.write(data)

        write(header)
        for count, (argument, row) in enumerate(zip(files.arguments, rows, strict=True), start=1):  # noqa: B007
            write({"argument": argument, **row})
        write({"rows": count, "results": results, "sha256": digest.hexdigest()})


class ShardRecord:
    """A record, whose rows stay on the disk until they are asked for.

    Attributes:
        results: the file of results that it belongs to.
        shard: which one it is.
        settings: what the results depend on.
        words: of the command line that made it.
        listed: when its images were looked for, in seconds since 1970.
        shares: what each shard had then.
    """

    def __init__(self, results: Path) -> None:
        """Read the header.

        Args:
            results: the file of results, or the record itself.

        Raises:
            InputError: there is no record beside it, or it is damaged.
        """
        self.path = record_path(results)
        self.results = self.path.with_suffix("")
        try:
            with open(self.path, "rb") as file:
                header = json.loads(file.readline())
                if header["edgecnn_shard"] != _VERSION:
                    raise InputError(f"{self.path} was written by a newer edgecnn; merge with that one")
                self.shard = Shard(*map(int, header["shard"]))
                self.settings: dict[str, Any] = dict(header["settings"])
                self.words = [str(word) for word in header["words"]]
                self.listed = float(header["listed"])
                self.shares = [Share(int(count), str(digest)) for count, digest in header["shares"]]
                self.share = self.shares[self.shard.number - 1]
                file.seek(max(0, os.fstat(file.fileno()).st_size - _BLOCK))
                end = json.loads(file.readlines()[-1])
                self._results_sha256, self._rows, _ = str(end["results"]), int(end["rows"]), str(end["sha256"])
        except FileNotFoundError:
            raise InputError(
                f"{self.results} has no {self.path.name} beside it, which edgecnn classify --shard writes; keep both"
            ) from None
        except OSError as error:
            raise InputError(f"{self.path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, IndexError, TypeError):
            raise InputError(f"{self.path} is damaged; copy both files again, or make the shard again") from None

    def require_whole(self) -> None:
        """Make sure that every byte is as it was written, and so is the file of results where it is.

        Raises:
            InputError: one is not.
        """
        digest, line, again = hashlib.sha256(), b"", ""
        for following in self._lines():
            digest.update(line)
            line = following
        if json.loads(line)["sha256"] != digest.hexdigest():
            again = f"{self.path} is damaged"
        with contextlib.suppress(FileNotFoundError):
            if sha256_of(self.results) != self._results_sha256:
                again = again or f"{self.results} is not as it was written with {self.path.name}"
        if again:
            command = self.command(self.shard.number, self.results, "--force")
            raise InputError(f"{again}; copy both files again, or make the shard again: {command}")

    def command(self, number: int, output: Path, *options: str) -> str:
        """The command line that makes the shard `number`, as this one was made."""
        import shlex

        words = ["--shard", f"{number}/{self.shard.of}", "--output", str(output), *options, *self.words]
        return f"edgecnn classify {shlex.join(words)}"

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows in order, each with its `argument`; to be asked for when the record is known to be whole."""
        for line in itertools.islice(self._lines(), 1, 1 + self._rows):
            yield json.loads(line)

    def _lines(self) -> Iterator[bytes]:
        """The lines; the file is open only while some are read, for a system lets a process open about a thousand."""
        offset = 0
        while True:
            with open(self.path, "rb") as file:
                file.seek(offset)
                lines = file.readlines(_BLOCK)
            if not lines:
                return
            yield from lines
            offset += sum(map(len, lines))


def sha256_of(path: Path) -> str:
    """SHA-256 of a file of any size, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
