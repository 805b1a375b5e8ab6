"""One of several parts of the images, which machines that know nothing of each other classify side by side."""

import hashlib
import os
import time
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import NamedTuple

from edgecnn.errors import InputError

from .sources import ImageFiles, ImageOrError

MAX_SHARDS = 1000  # each says what every other has: more would say more than they hold


class Shard(NamedTuple):
    """Which part.

    Attributes:
        number: from 1 to `of`.
        of: how many parts there are.
    """

    number: int
    of: int

    def __str__(self) -> str:
        """As `--shard` takes it."""
        return f"{self.number}/{self.of}"


class Share(NamedTuple):
    """What one shard has of the images that were found.

    Attributes:
        images: how many.
        digest: SHA-256 of their names in order, in hexadecimal, the first 16 digits.
    """

    images: int
    digest: str


def number_of(name: str, of: int) -> int:
    """Which of `of` shards has the image `name`: its name alone decides, so that a new image moves no other."""
    encoded = os.fsencode(name.replace(os.sep, "/"))
    return int.from_bytes(hashlib.sha256(encoded).digest()[:8], "little") % of + 1


class ShardFiles:
    """The files of one shard, a `Source`.

    Attributes:
        shard: which one.
        patterns: the files, patterns and folders that were named.
        names: of this shard's images, in order.
        errors: why a name stands for no image.
        count: how many names.
        arguments: for each of `names`, which of `patterns` it comes from, from 0.
        shares: what each shard has, the first one's first.
        listed: when the images were looked for, in seconds since 1970.
        words: of the command line, without those that tell one shard's from another's.
    """

    def __init__(self, found: ImageFiles, shard: Shard, words: Sequence[str] = ()) -> None:
        """Take what belongs to `shard` out of what was found."""
        self.listed = time.time()
        self.shard, self.patterns, self.errors, self.words = shard, found.patterns, found.errors, list(words)
        self.names: list[str] = []
        self.arguments = array("L")
        counts, digests = [0] * shard.of, [hashlib.sha256() for _ in range(shard.of)]
        arguments = chain.from_iterable(repeat(place, count) for place, count in enumerate(found.counts))
        for name, argument in zip(found.names, arguments, strict=True):
            number = number_of(name, shard.of)
            counts[number - 1] += 1
            digests[number - 1].update(os.fsencode(name) + b"\0")
            if number == shard.number:
                self.names.append(name)
                self.arguments.append(argument)
        self.count = len(self.names)
        self.shares = [Share(count, digest.hexdigest()[:16]) for count, digest in zip(counts, digests, strict=True)]

    def __iter__(self) -> Iterator[tuple[str, ImageOrError]]:
        """Each name, with its path or with its error."""
        for name in self.names:
            yield name, self.errors.get(name, name)


def parse_shard(text: str) -> Shard:
    """What `--shard` says, such as `3/8`.

    Raises:
        InputError: it says something else.
    """
    number, _, of = text.partition("/")
    if not (number.isascii() and number.isdigit() and of.isascii() and of.isdigit()):
        raise InputError(f"a shard is two whole numbers, such as 3/8 for the third of eight. Received: {text}")
    number, of = (part.lstrip("0") or "0" for part in (number, of))
    if not 1 <= int(of[:9]) <= MAX_SHARDS:
        raise InputError(f"there may be 1 to {MAX_SHARDS} shards. Received: {text}")
    if not 1 <= int(number[:9]) <= int(of):
        raise InputError(f"shards are counted from 1 to {of}; add 1 to a number that counts from 0. Received: {text}")
    return Shard(int(number), int(of))
