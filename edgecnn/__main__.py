"""`python -m edgecnn` is `edgecnn`."""

from edgecnn.cli.app import run

run()
