"""The charts of a training's report."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgecnn.figure_style import plain_style
from edgecnn.html_page import INK, svg_chart
from edgecnn.temperature import BINS

from ..curves import NAMES, Colours, draw_curve
from ..run_report import TrainingRun

_BLUE, _ORANGE, _GREEN, _PURPLE = "#3f7fd0", "#d9822b", "#3c9a62", "#9467bd"  # read on white and on black


@contextmanager
def _page_style() -> Iterator[None]:
    """Draw in the page's ink; words stay words."""
    with plain_style():
        for group in ("text", "xtick", "ytick", "grid"):
            matplotlib.rc(group, color=INK)
        matplotlib.rc("axes", edgecolor=INK, labelcolor=INK)
        matplotlib.rc("svg", fonttype="none", hashsalt="edgecnn")
        matplotlib.rc("font", size=9)
        matplotlib.rc("legend", frameon=False)
        yield


def curves(run: TrainingRun) -> list[str]:
    """Loss and accuracy by epoch, with the saved model's figure on the test images; two SVG elements."""
    with _page_style():
        return [svg_chart(_curve(run, name), f"{name} by epoch") for name in NAMES]


def _curve(run: TrainingRun, name: str) -> Figure:
    figure, axes = _axes(4.4, 2.8)
    draw_curve(axes, run, name, Colours(_BLUE, _GREEN, _PURPLE, _ORANGE))
    return figure


def reliability_chart(bins: Sequence[tuple[int, float, float]]) -> str:
    """Share of right answers by score, beside the line on which both are equal; an SVG element."""
    with _page_style():
        figure, axes = _axes(4.4, 3.4)
        for number, (images, _, share) in enumerate(bins):
            if images:
                axes.bar((number + 0.5) / BINS, share, 0.9 / BINS, color=_BLUE, alpha=0.8)
        axes.plot([0, 1], [0, 1], color=_ORANGE, linestyle="--", label="right as often as it says")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="score of the answer", ylabel="share of right answers")
        axes.legend(loc="upper left")
        return svg_chart(figure, "share of right answers by score")


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2)
    return figure, axes
