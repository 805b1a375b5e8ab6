"""Where a command writes: the type of its option or argument, and what its files are called."""

import os
from pathlib import Path
from typing import Any

import click


class OutputPath(click.Path):
    """A path; an empty one is the variable of a shell that was never set, and is not taken for no option at all."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path.

        Raises:
            click.BadParameter: it is empty, or click refuses it.
        """
        if not os.fspath(value):
            self.fail("its name is empty", param, ctx)
        return super().convert(value, param, ctx)


_MOST_CHARACTERS = 80
_MOST_BYTES = 180  # of 255 that a name may have: in Chinese or Japanese, 80 characters take 240


def short_stem(title: str) -> str:
    """What a file that is made of an image is called after it: its name without suffix, cut where it is long."""
    stem = Path(title).stem[:_MOST_CHARACTERS]
    while len(os.fsencode(stem)) > _MOST_BYTES:
        stem = stem[:-1]
    return stem
