"""The command line: thin commands, each imported only when it is used."""

from .app import COMMANDS, main, run

__all__ = ["COMMANDS", "main", "run"]
