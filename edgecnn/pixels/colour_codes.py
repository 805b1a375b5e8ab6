"""Code points of ITU-T H.273, by which PNG (cICP), AVIF and HEIC (nclx) name primaries and curves."""

import zlib

from ..errors import InputError
from .colour_space import D65, SRGB, ColourSpace, Point

Codes = tuple[int, int]  # of primaries and of the curve
_PRIMARIES: dict[int, tuple[Point, Point, Point, Point]] = {
    1: SRGB[:4],
    2: SRGB[:4],  # unspecified
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.31, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.6), (0.15, 0.06), D65),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), D65),
    7: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07), D65),
    9: ((0.708, 0.292), (0.17, 0.797), (0.131, 0.046), D65),
    11: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), (0.314, 0.351)),
    12: ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), D65),
}
# Television's curve (1, 6, 14, 15) is shown as sRGB's, which browsers do, too; 2 is unspecified.
_GAMMAS: dict[int, float | None] = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15)), 4: 2.2, 5: 2.8, 8: 1.0,
}  # fmt: skip
_HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
_NCLX = b"\0\0\0\x13colrnclx"


def find_codes(data: bytes) -> Codes | None:
    """The code points in the bytes of a PNG or AVIF file; None where there are none."""
    if data.startswith(b"\x89PNG"):
        # Length, name, four bytes, their sum; before the pixels.
        place = data.find(b"\0\0\0\4cICP", 8, max(data.find(b"IDAT"), 8))
        chunk = data[place + 4 : place + 12]
        is_whole = place > 0 and data[place + 12 : place + 16] == zlib.crc32(chunk).to_bytes(4, "big")
        return (chunk[4], chunk[5]) if is_whole else None
    place = data.find(_NCLX) + len(_NCLX)
    if data[4:8] != b"ftyp" or place < len(_NCLX) or len(data) < place + 4:
        return None
    return int.from_bytes(data[place : place + 2], "big"), int.from_bytes(data[place + 2 : place + 4], "big")


def space_of(codes: Codes) -> ColourSpace | None:
    """The colour space that code points name; None where they name none that is known here.

    Raises:
        InputError: they are of high dynamic range, which nothing says how to fit into 8 bits of sRGB.
    """
    primaries, curve = codes
    if curve in _HIGH_DYNAMIC_RANGE:
        raise InputError(
            f"its colours are of high dynamic range ({_HIGH_DYNAMIC_RANGE[curve]}), which can be brought to sRGB in "
            "many ways; save the image as sRGB"
        )
    if primaries not in _PRIMARIES or curve not in _GAMMAS:
        return None
    return ColourSpace(*_PRIMARIES[primaries], gamma=_GAMMAS[curve])
