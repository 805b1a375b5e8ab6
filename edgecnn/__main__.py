"""`python -m edgecnn` is `edgecnn`."""

from .cli import main

main(prog_name="edgecnn")
