"""How edgecnn draws: the same picture whatever the user's matplotlib settings say."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .atomic_files import replacing


@contextlib.contextmanager
def plain_style() -> Iterator[None]:
    """Draw inside with matplotlib's defaults; the user's settings are back afterwards.

    Words are drawn as they are: between two `$`, as class names may hold them, matplotlib would look for a formula.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc("text", parse_math=False)
        yield


def number_epochs(axes: Axes, first: int, last: int) -> None:
    """Name the x-axis after epochs, and mark whole ones only: of a single epoch, too."""
    axes.set(xlabel="epoch", xlim=(first - 0.5, last + 0.5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` as PNG, whole or not at all.

    Raises:
        OutputError: `path` cannot be written.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110, bbox_inches="tight")
