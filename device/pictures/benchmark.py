"""The picture of a benchmark."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from edgecnn.figure_style import plain_style, save_figure

from ..measuring.benchmark import Benchmark


def draw_benchmark(results: Sequence[Benchmark], path: Path) -> None:
    """Draw the median of each, with a line to the 95th percentile, as a .png file that is replaced."""
    with plain_style():
        figure = Figure(figsize=(8, 1.2 + 0.5 * len(results)), layout="constrained")
        axes = figure.subplots()
        names = [f"{Path(one.model).name}\n{one.delegate}, {one.threads} thread(s)" for one in results]
        for offset, name, timings in (
            (-0.2, "the runtime alone", [one.invoke for one in results]),
            (0.2, "from pixels to the label", [one.classify for one in results]),
        ):
            medians = [timing.p50_ms for timing in timings]
            above = [timing.p95_ms - timing.p50_ms for timing in timings]
            places = [place + offset for place in range(len(results))]
            none_below = [0.0] * len(results)
            axes.barh(places, medians, 0.38, xerr=(none_below, above), label=name, capsize=2)
        axes.set_yticks(range(len(results)), names, fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("milliseconds, median and 95th percentile")
        axes.legend(fontsize=8, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        save_figure(figure, path)
