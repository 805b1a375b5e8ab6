"""Where a command writes: the type of its option or argument."""

import os
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
