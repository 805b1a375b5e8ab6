"""How edgecnn draws: the same picture whatever the user's matplotlib settings say."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from .atomic_files import replacing


@contextlib.contextmanager
def plain_style() -> Iterator[None]:
    """Draw inside with matplotlib's defaults; the user's settings are back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG, whole or not at all.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")
