"""The pictures of a parity report."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from edgecnn.figure_style import plain_style

from .layer_figures import LayerFigures
from .rungs import Rung


def decibels(value: float) -> str:
    """A ratio for people; infinite is equal."""
    return "equal" if value == float("inf") else f"{value:z.1f} dB"


_PAGE = 40  # layers


def sqnr_charts(rungs: Sequence[Rung]) -> list[Figure]:
    """Bars of every layer's ratio against Keras, one a rung; in pages of some layers."""
    layers = len(rungs[0].layers)
    return [_sqnr_chart(rungs, slice(start, start + _PAGE)) for start in range(0, layers, _PAGE)]


def _sqnr_chart(rungs: Sequence[Rung], page: slice) -> Figure:
    with plain_style():
        names = [layer.name for layer in rungs[0].layers[page]]
        figure = Figure(figsize=(7, 0.5 + 0.45 * len(names)))
        axes = figure.add_subplot()
        height = 0.8 / len(rungs)
        for number, rung in enumerate(rungs):
            # Bars of equal values, and those of values that are nothing in Keras, would be infinitely long.
            values = [max(-150.0, min(layer.sqnr_db, 150.0)) for layer in rung.layers[page]]
            places = np.arange(len(names)) + (number - (len(rungs) - 1) / 2) * height
            axes.barh(places, values, height, label=rung.name)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("SQNR against Keras, dB: more is closer")
        axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(rungs), frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def histogram(layer: LayerFigures) -> Figure:
    """How often Keras' values of a layer occur, and the range that the file can hold."""
    with plain_style():
        figure = Figure(figsize=(7, 2.6))
        axes = figure.add_subplot()
        axes.stairs(layer.histogram, layer.bins, fill=True, color="#7d9cc4", label="values in Keras")
        for number, end in enumerate(layer.range):
            axes.axvline(end, color="#b8382c", label=None if number else "range that the file can hold")
        axes.set_yscale("symlog")
        axes.yaxis.set_major_formatter("{x:,.0f}")
        axes.set_title(f"{layer.name}: {decibels(layer.sqnr_db)}", fontsize=10)
        axes.set_ylabel("values")
        axes.legend(fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        return figure
