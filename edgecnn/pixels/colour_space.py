"""Colour spaces that a file describes in numbers instead of an ICC profile, and the profile that says the same."""

import struct
from functools import lru_cache
from typing import NamedTuple

import numpy as np

Point = tuple[float, float]
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# y = ((x + 0.055) / 1.055) ** 2.4 from 0.04045 on, below x / 12.92, as a parametric curve of ICC has it.
_SRGB_CURVE = (3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
D65: Point = (0.3127, 0.329)


class ColourSpace(NamedTuple):
    """Primaries and white in CIE 1931 x and y, and the exponent that makes light of values; None for sRGB's curve."""

    red: Point
    green: Point
    blue: Point
    white: Point = D65
    gamma: float | None = None


SRGB = ColourSpace((0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
ADOBE_RGB = ColourSpace((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), gamma=563 / 256)


@lru_cache(maxsize=16)
def icc_profile(space: ColourSpace) -> bytes | None:
    """The profile of a display that has this colour space; None for numbers that are none."""
    points = space.red, space.green, space.blue, space.white
    gamma = space.gamma if space.gamma is not None else 1.0
    if not (all(0 <= x < 2 and 0 < y < 2 for x, y in points) and 0.1 <= gamma <= 10):
        return None
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in points]).T
    primaries, white = columns[:, :3], columns[:, 3]
    if abs(np.linalg.det(primaries)) < 1e-3:  # three points of one line
        return None
    colours = primaries * np.linalg.solve(primaries, white)
    seen = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    colours = np.linalg.solve(_BRADFORD, seen[:, None] * (_BRADFORD @ colours))
    kind, numbers = (0, (space.gamma,)) if space.gamma is not None else _SRGB_CURVE
    curve = b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + _fixed(*numbers)
    tags = {b"wtpt": _xyz(*_D50)}
    tags |= {name: _xyz(*colours[:, place]) for place, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _file({**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def _fixed(*numbers: float) -> bytes:
    return struct.pack(f">{len(numbers)}i", *(round(float(number) * 65536) for number in numbers))


def _xyz(*numbers: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*numbers)


def _file(tags: dict[bytes, bytes]) -> bytes:
    start, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(body), len(content))
        body += content
    header = struct.pack(">I4xI4s4s4s12x4s", start + len(body), 0x04200000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    return header.ljust(68, b"\0") + _fixed(*_D50).ljust(60, b"\0") + table + body
