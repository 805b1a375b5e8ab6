"""What the header of a BMP file says of its colours is done, or said to be left out."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputSpec
from edgecnn.pixels.image_files import EncodedImage
from edgecnn.pixels.preprocessing import Prepared, prepare_source
from tests.support.picture_files import grid
from tests.support.profiles import P3, in_srgb, rgb_profile

SIZE = 28
SPEC = InputSpec(SIZE, SIZE, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
COLOURS = grid(SIZE, SIZE, 3).astype(np.uint8)
SRGB_POINTS = ((0.64, 0.33, 0.03), (0.3, 0.6, 0.1), (0.15, 0.06, 0.79))
P3_POINTS = ((0.68, 0.32, 0.0), (0.265, 0.69, 0.045), (0.15, 0.06, 0.79))


def bmp(space: bytes, points: tuple[tuple[float, ...], ...] = ((0.0,) * 3,) * 3, profile: bytes = b"") -> bytes:
    """A 24-bit file with a BITMAPV5HEADER, of 124 bytes; the profile lies behind the pixels."""
    rows = np.ascontiguousarray(COLOURS[::-1, :, ::-1]).tobytes()  # from below, blue first; 84 bytes need no padding
    numbers = [round(value * (1 << 30)) for point in points for value in point]
    sizes = SIZE, SIZE, 1, 24, 0, len(rows), 0, 0, 0, 0
    end = 4, 124 + len(rows), len(profile), 0
    header = struct.pack("<IiiHHIIiiII16x4s9i12xIIII", 124, *sizes, space, *numbers, *end)
    return struct.pack("<2sIII", b"BM", 138 + len(rows) + len(profile), 0, 138) + header + rows + profile


def prepared(data: bytes) -> Prepared:
    return prepare_source(EncodedImage(data), SPEC)


def test_colours_are_those_of_the_profile_in_it() -> None:
    found = prepared(bmp(b"DEBM", profile=rgb_profile(P3, 2.2)))
    np.testing.assert_allclose(found.pixels, in_srgb(COLOURS, P3, 2.2), atol=1.01)
    assert not found.note


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bmp(b"BGRs"), ""),
        (bmp(b" niW"), ""),
        (bmp(b"\0\0\0\0"), ""),
        (bmp(b"\0\0\0\0", SRGB_POINTS), ""),
        (bmp(b"\0\0\0\0", P3_POINTS), "what its header says of its primaries is not read, and was left out"),
        (bmp(b"KNIL", profile=b"C:\\\\p3.icc"), "its colour profile lies in another file, which is not read"),
        (bmp(b"DEBM", profile=b"none"), "its colour profile cannot be used"),
    ],
)
def test_other_words_change_no_pixel_and_what_is_left_out_is_said(data: bytes, words: str) -> None:
    found = prepared(data)
    np.testing.assert_array_equal(found.pixels, COLOURS)
    assert found.note.startswith(words) and bool(found.note) == bool(words)


def test_the_files_that_pillow_writes_have_no_such_header(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "image.bmp")
    assert not prepare_source(tmp_path / "image.bmp", SPEC).note
