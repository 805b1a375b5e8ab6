"""A choice among the rows of a table that is read when it is asked for, not when the command line is defined."""

from collections.abc import Callable, Iterable
from typing import Any

import click


class LazyChoice(click.Choice):  # type: ignore[type-arg,unused-ignore]  # generic from click 8.2
    """Like `click.Choice`; `edgecnn --help` loads every command, and must not load the stages that have the tables."""

    def __init__(self, load: Callable[[], Iterable[str]]) -> None:
        """Take the choices from `load` when they are needed."""
        self._load = load
        self.case_sensitive = True

    def __getattr__(self, name: str) -> Any:
        # Not called for `choices` of a click.Choice, which has them from its start.
        if name == "choices":
            return tuple(self._load())
        raise AttributeError(name)
