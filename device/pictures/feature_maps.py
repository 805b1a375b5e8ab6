"""Pictures of feature maps: one filter of several images, or every filter of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from edgecnn.arrays import Pixels
from edgecnn.figure_style import plain_style, save_figure

from ..features import Features

COLOUR_MAP = "inferno"


@dataclass(frozen=True)
class Picture:
    """An image and what the network made of it: its title, uint8 pixels (height, width, channels), and features."""

    title: str
    pixels: Pixels
    features: Features


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
    layers = list(pictures[0].features.maps)
    rows, columns = len(pictures), len(layers) + show_input
    figure = Figure(figsize=(2.4 * columns, 2.4 * rows + 0.5), layout="constrained")
    figure.suptitle(f"filter {channel}")
    grid = figure.subplots(rows, columns, squeeze=False)
    for row, picture in zip(grid, pictures, strict=True):
        if show_input:
            _show_image(row[0], picture.pixels)
        for axes, layer in zip(row[show_input:], layers, strict=True):
            _hide_scales(axes)
            if channel >= picture.features.maps[layer].shape[2]:
                axes.set_xlabel("no such filter", fontsize=8)
                continue
            values = picture.features.maps[layer][:, :, channel]
            axes.imshow(values, cmap=COLOUR_MAP)
            axes.set_xlabel(" x ".join(map(str, values.shape)), fontsize=8)
        row[0].set_ylabel(picture.title, fontsize=8, parse_math=False)  # a file name may hold $
    for axes, title in zip(grid[0], [*["input"] * show_input, *layers], strict=True):
        axes.set_title(title, fontsize=9)
    return figure


def draw_contact_sheet(picture: Picture, path: Path) -> None:
    """Draw every filter of every layer for one image: filter 0 top left, then row by row.

    Within a layer all filters share one colour scale, so that their strengths can be compared.
    """
    with plain_style():
        save_figure(_make_contact_sheet(picture), path)


def _make_contact_sheet(picture: Picture) -> Figure:
    maps = picture.features.maps
    columns = min(2, len(maps))
    rows = -(-len(maps) // columns)
    figure = Figure(figsize=(6 * columns, 6.3 * rows), layout="constrained")
    figure.suptitle(picture.title, parse_math=False)
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (layer, values) in zip(panels, maps.items(), strict=False):
        height, width, channels = values.shape
        axes.imshow(tile_maps(values), cmap=COLOUR_MAP, interpolation="nearest")
        axes.set_title(f"{layer}: {channels} filters, {height} x {width}", fontsize=10)
        _hide_scales(axes)
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


def _show_image(axes: Any, pixels: Pixels) -> None:
    axes.imshow(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels, cmap="gray", vmin=0, vmax=255)
    _hide_scales(axes)


def _hide_scales(axes: Any) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
