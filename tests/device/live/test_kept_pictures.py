"""A crop that is kept shows what the model was shown, whatever kind of file the frame was."""

import itertools
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputSpec
from edgecnn.device.live.frame_pictures import cut_png
from edgecnn.device.live.frames import Frame
from edgecnn.pixels.crop import Crop
from edgecnn.pixels.image_files import EncodedImage
from edgecnn.pixels.preprocessing import prepare_source
from tests.support.picture_files import CASES, cut_out, encoded, grid
from tests.support.profiles import ADOBE, P3, gray_profile, rgb_profile

COLOURS = Image.fromarray(grid(40, 48, 3).astype(np.uint8))
GRAY = COLOURS.convert("L")


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG with a chunk behind its header."""
    return (
        data[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) + data[33:]
    )


def adobe_rgb_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 0xFFFF, 0xA005: {1: "R03"}}
    return encoded(COLOURS, "JPEG", quality=95, exif=exif)


def paletted(transparency: int | bytes) -> bytes:
    return encoded(COLOURS.quantize(16), transparency=transparency)


def _file_of(case: Callable[[], tuple[bytes, object]]) -> Callable[[], bytes]:
    return lambda: case()[0]


FILES: dict[str, Callable[[], bytes]] = {
    **{case.__name__: _file_of(case) for case in CASES},
    "palette with an alpha each": lambda: paletted(bytes(range(0, 256, 16))),
    "palette with one transparent": lambda: paletted(3),
    "GIF with one transparent": lambda: encoded(COLOURS.quantize(16), "GIF", transparency=3),
    "one transparent colour": lambda: encoded(COLOURS, transparency=COLOURS.getpixel((0, 0))),
    "one transparent gray": lambda: encoded(GRAY, transparency=GRAY.getpixel((0, 0))),
    "alpha of gray": lambda: encoded(cut_out("LA")),
    "alpha of a TIFF": lambda: encoded(cut_out("RGBA"), "TIFF"),
    "P3 by ICC": lambda: encoded(COLOURS, icc_profile=rgb_profile(P3, 2.2)),
    "P3 by ICC, palette": lambda: encoded(COLOURS.quantize(16), icc_profile=rgb_profile(P3, 2.2)),
    "P3 by ICC, palette with an alpha each": lambda: encoded(
        COLOURS.quantize(16), icc_profile=rgb_profile(P3, 2.2), transparency=bytes(range(0, 256, 16))
    ),
    "gamma 1.8 by ICC": lambda: encoded(GRAY, icc_profile=gray_profile(1.8)),
    "JPEG in Adobe RGB": lambda: encoded(COLOURS, "JPEG", quality=95, icc_profile=rgb_profile(ADOBE, 2.2)),
    "gAMA": lambda: with_chunk(encoded(COLOURS), b"gAMA", struct.pack(">I", 100_000)),
    "gAMA, gray": lambda: with_chunk(encoded(GRAY), b"gAMA", struct.pack(">I", 55_556)),
    "cICP": lambda: with_chunk(encoded(COLOURS), b"cICP", bytes([12, 13, 0, 1])),
    "EXIF": adobe_rgb_by_exif,
    "a profile of other colours": lambda: encoded(
        COLOURS.convert("CMYK"), "JPEG", quality=95, icc_profile=rgb_profile(P3, 2.2)
    ),
    "a damaged profile": lambda: encoded(COLOURS, icc_profile=b"none"),
}


SPECS = [
    InputSpec(20, 20, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "dark"),
    InputSpec(20, 20, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "light"),
]


@pytest.mark.parametrize("name", FILES)
def test_a_kept_crop_becomes_the_input_that_was_seen(name: str) -> None:
    frame = Frame(FILES[name](), 1, "frame", 0.0, 0.0)
    crops: tuple[Crop, ...] = ("square", (5, 2, 17, 20))
    for spec, crop in itertools.product(SPECS, crops):
        seen = prepare_source(frame.image, spec, crop=crop)
        assert seen.crop
        kept = prepare_source(EncodedImage(cut_png(frame, seen.crop), "kept"), spec)
        assert np.array_equal(kept.pixels, seen.pixels) and kept.is_flattened == seen.is_flattened
