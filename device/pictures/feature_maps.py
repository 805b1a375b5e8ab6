"""Pictures of feature maps: one filter of several images, or every filter of one."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from edgecnn.arrays import Pixels
from edgecnn.figure_style import plain_style, save_figure
from edgecnn.printable import printable

COLOUR_MAP = "inferno"
ON_A_PAGE = 24  # layers; figures of more are drawn in pages
FeatureMaps = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Picture:
    """An image and what the network made of it.

    Attributes:
        title: shown beside its maps.
        pixels: uint8 (height, width, channels), as the model sees it.
        maps: float32 (height, width, channels) by layer name, in network order.
        probabilities: float32 (classes,).
    """

    title: str
    pixels: Pixels
    maps: FeatureMaps
    probabilities: npt.NDArray[np.float32]


def draw_filter(pictures: Sequence[Picture], channel: int, path: Path, show_input: bool = False) -> None:
    """Draw one filter: rows are images, columns the layers in network order.

    Each map has its own colour scale, from its smallest to its largest value; a layer with fewer filters stays empty.

    Args:
        pictures: one or more.
        channel: of every layer, from 0.
        path: a .png file, replaced.
        show_input: put the image as the model sees it into a first column.
    """
    with plain_style():
        save_figure(make_filter_figure(pictures, channel, show_input), path)


def make_filter_figure(pictures: Sequence[Picture], channel: int, show_input: bool = False) -> Figure:
    """The figure that `draw_filter` saves."""
    layers = list(pictures[0].maps)
    rows, columns = len(pictures), len(layers) + show_input
    figure = Figure(figsize=(2.4 * columns, 2.4 * rows + 0.5), layout="constrained")
    figure.suptitle(f"filter {channel}")
    grid = figure.subplots(rows, columns, squeeze=False)
    for row, picture in zip(grid, pictures, strict=True):
        if show_input:
            show_image(row[0], picture.pixels)
        for axes, layer in zip(row[show_input:], layers, strict=True):
            hide_scales(axes)
            if channel >= picture.maps[layer].shape[2]:
                axes.set_xlabel("no such filter", fontsize=8)
                continue
            values = picture.maps[layer][:, :, channel]
            axes.imshow(values, cmap=COLOUR_MAP)
            axes.set_xlabel(" x ".join(map(str, values.shape)), fontsize=8)
        row[0].set_ylabel(picture.title, fontsize=8, parse_math=False)  # a file name may hold $
    for axes, title in zip(grid[0], [*["input"] * show_input, *layers], strict=True):
        axes.set_title(printable(title), fontsize=9, parse_math=False)
    return figure


def draw_contact_sheet(picture: Picture, path: Path) -> None:
    """Draw every filter of every layer for one image: filter 0 top left, then row by row.

    Within a layer all filters share one colour scale, so that their strengths can be compared.
    """
    with plain_style():
        figure = make_sheet_figure(picture.maps, panel_inches=6)
        figure.suptitle(picture.title, parse_math=False)
        save_figure(figure, path)


def make_contact_sheet_png(maps: FeatureMaps) -> bytes:
    """A contact sheet as PNG, small enough for a page: of many layers the first ones."""
    with plain_style():
        buffer = io.BytesIO()
        figure = make_sheet_figure(dict(islice(maps.items(), ON_A_PAGE)), panel_inches=4)
        if len(maps) > ON_A_PAGE:
            figure.suptitle(f"the first {ON_A_PAGE} of {len(maps)} layers")
        figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
        return buffer.getvalue()


def make_sheet_figure(maps: FeatureMaps, panel_inches: float) -> Figure:
    """The figure of a contact sheet: a panel of `panel_inches` for each layer."""
    columns = min(2, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(panel_inches * columns, (panel_inches + 0.3) * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (layer, values) in zip(panels, maps.items(), strict=False):
        height, width, channels = values.shape
        axes.imshow(tile_maps(values), cmap=COLOUR_MAP, interpolation="nearest")
        axes.set_title(f"{printable(layer)}: {channels} filters, {height} x {width}", fontsize=10, parse_math=False)
        hide_scales(axes)
    for axes in list(panels):
        axes.set_visible(False)
    return figure


def tile_maps(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Tile feature maps, (height, width, channels), in a near-square grid with a one-pixel gap of NaN, row by row."""
    height, width, channels = values.shape
    across = int(np.ceil(np.sqrt(channels)))
    down = -(-channels // across)
    canvas = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan, dtype=np.float32)
    for channel in range(channels):
        top, left = channel // across * (height + 1), channel % across * (width + 1)
        canvas[top : top + height, left : left + width] = values[:, :, channel]
    return canvas


def show_image(axes: Any, pixels: Pixels) -> None:
    """Show pixels, uint8 (height, width, channels), as they are."""
    axes.imshow(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
    hide_scales(axes)


def hide_scales(axes: Any) -> None:
    """Leave out ticks and grid."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
