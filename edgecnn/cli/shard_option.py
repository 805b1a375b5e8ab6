"""The option that says which part of the images one of several machines classifies, and the words around it."""

import re
from typing import TYPE_CHECKING

import click

from . import wrong_usage

if TYPE_CHECKING:
    from edgecnn.device.bulk.shards import Shard

# Short flags, and -o behind them with its file or before it.
_JOINED = re.compile(r"-(?P<flags>[a-np-zA-Z]*)o(?P<file>.*)", re.DOTALL)
_WORDS = "edgecnn.words"
# What tells one shard's command line from another's, or says how it was begun.
_OWN_OPTIONS, _OWN_FLAGS = ("--shard", "--output", "-o"), ("--resume", "--force", "--json")


class KeepsWords(click.Command):
    """Remembers what it was called with, as it was typed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words before click takes them apart."""
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)


def _parse(_: click.Context, __: click.Parameter, value: str | None) -> "Shard | None":
    if value is None:
        return None
    from edgecnn.device.bulk.shards import parse_shard

    with wrong_usage.bad_value():
        return parse_shard(value)


shard_option = click.option(
    "--shard",
    metavar="I/N",
    callback=_parse,
    help="Classify part I of N, from 1 to N, on one of several machines; edgecnn merge makes one file of all.",
)


def words_of_all_shards() -> list[str]:
    """What the command was called with, without what is this shard's own."""
    words: list[str] = []
    given = iter(click.get_current_context().meta[_WORDS])
    for word in given:
        if word == "--":
            return [*words, word, *given]
        name, _, attached = word.partition("=")
        joined = _JOINED.fullmatch(word)
        if name in _OWN_OPTIONS:
            if not attached:
                next(given, None)
        elif joined:  # -vo FILE, -voFILE
            if joined["flags"]:
                words.append(f"-{joined['flags']}")
            if not joined["file"]:
                next(given, None)
        elif word not in _OWN_FLAGS:
            words.append(word)
    return words
