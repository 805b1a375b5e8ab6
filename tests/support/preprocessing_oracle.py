"""The preprocessing again, slow and from the formulas: one pixel at a time, in integers."""

import math

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def muldiv255(a: int, b: int) -> int:
    """Compute a * b / 255, rounded as libImaging does."""
    t = a * b + 128
    return ((t >> 8) + t) >> 8


def luma(r: int, g: int, b: int) -> int:
    """ITU-R 601-2, 16-bit fixed point."""
    return (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16


def over(value: int, alpha: int, backdrop: int) -> int:
    """A transparent value on an opaque backdrop, 15-bit fixed point."""
    weight = alpha * 128
    t = value * weight + backdrop * (255 * 128 - weight) + (0x80 << 7)
    return (((t >> 8) + t) >> 8) >> 7


def bilinear(plane: list[list[int]], height: int, width: int) -> list[list[int]]:
    """Resize with a triangle filter as wide as the reduction, rows first, 22-bit fixed point."""

    def weights(source: int, target: int) -> list[tuple[int, list[int]]]:
        scale = source / target
        support = max(scale, 1.0)
        table = []
        for x in range(target):
            centre = (x + 0.5) * scale
            low, high = max(0, int(centre - support + 0.5)), min(source, int(centre + support + 0.5))
            raw = [max(0.0, 1.0 - abs((i + low - centre + 0.5) / support)) for i in range(high - low)]
            total = sum(raw)
            table.append((low, [math.floor(0.5 + w / total * (1 << 22)) for w in raw]))
        return table

    def line(values: list[int], table: list[tuple[int, list[int]]]) -> list[int]:
        sums = ((1 << 21) + sum(values[low + i] * w for i, w in enumerate(ws)) for low, ws in table)
        return [min(255, max(0, total >> 22)) for total in sums]

    if len(plane[0]) != width:
        plane = [line(row, weights(len(row), width)) for row in plane]
    if len(plane) != height:
        columns = [line(list(column), weights(len(column), height)) for column in zip(*plane, strict=True)]
        plane = [list(row) for row in zip(*columns, strict=True)]
    return plane


def padded(plane: list[list[int]], side: int, background: int) -> Bytes:
    """Fit the longer side, centre, fill with the background."""
    ratio = min(side / len(plane[0]), side / len(plane))
    width, height = max(1, round(len(plane[0]) * ratio)), max(1, round(len(plane) * ratio))
    canvas = np.full((side, side, 1), background, np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    canvas[top : top + height, left : left + width, 0] = bilinear(plane, height, width)
    return canvas
