"""`python -m edgecnn` is `edgecnn`."""

from .cli import run

run()
