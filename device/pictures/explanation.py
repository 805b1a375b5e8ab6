"""The picture of an explanation: the image as the network sees it, and its heat map."""

import io
import textwrap
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from edgecnn.arrays import Pixels
from edgecnn.figure_style import plain_style, save_figure

from .feature_maps import COLOUR_MAP, hide_scales, show_image


def draw_explanation(
    pixels: Pixels, heat_map: npt.NDArray[np.float32], unit: str, caption: str, path: Path, title: str
) -> None:
    """Draw an explanation as a .png file that is replaced.

    Args:
        pixels: uint8 (height, width, channels), as the network sees it.
        heat_map: float32 (height, width).
        unit: of its values, for the colour bar.
        caption: lines that stand below.
        path: of the file.
        title: stands above.
    """
    with plain_style():
        figure = make_explanation_figure(pixels, heat_map, unit, caption)
        figure.suptitle(title, fontsize=10, parse_math=False)  # a file name may hold $
        save_figure(figure, path)


def make_explanation_png(pixels: Pixels, heat_map: npt.NDArray[np.float32], unit: str, caption: str) -> bytes:
    """An explanation as PNG, small enough for a page; see `draw_explanation`."""
    with plain_style():
        buffer = io.BytesIO()
        figure = make_explanation_figure(pixels, heat_map, unit, caption)
        figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
        return buffer.getvalue()


def make_explanation_figure(pixels: Pixels, heat_map: npt.NDArray[np.float32], unit: str, caption: str) -> Figure:
    """The figure of `draw_explanation`, without a title: the image, its heat map with a colour bar, and the caption."""
    figure = Figure(figsize=(8, 4), layout="constrained")
    image, heat = figure.subplots(1, 2)
    show_image(image, pixels)
    image.set_xlabel("as the network sees it", fontsize=9)
    shown = heat.imshow(heat_map, cmap=COLOUR_MAP, interpolation="nearest")
    hide_scales(heat)
    bar = figure.colorbar(shown, ax=heat, fraction=0.046, pad=0.03)
    bar.set_label(unit, fontsize=9)
    bar.ax.tick_params(labelsize=9)
    lines = "\n".join(textwrap.fill(line, 100, subsequent_indent="  ") for line in caption.splitlines())
    # Below the axes, where no layout makes room for it: saving does.
    figure.text(0.01, -0.01, lines, family="monospace", fontsize=9, va="top", parse_math=False)
    return figure
