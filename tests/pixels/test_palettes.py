"""A pixel of a PNG file whose palette lacks its colour has none, and is not taken for black without a word."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from edgecnn.errors import InputError
from edgecnn.pixels.image_files import decode_image
from tests.support.picture_files import encoded


def indexed(bits: int, colours: int, highest: int) -> bytes:
    """A PNG file whose palette has so many colours and whose pixels take numbers up to `highest`."""
    pixels = Image.fromarray((np.arange(64).reshape(8, 8) % (highest + 1)).astype(np.uint8), "L")
    picture = Image.frombytes("P", (8, 8), pixels.tobytes())
    picture.putpalette(bytes(range(3)) * 256)
    whole = encoded(picture, bits=bits)
    start = whole.index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    content = b"PLTE" + bytes(range(3)) * colours
    chunk = struct.pack(">I", 3 * colours) + content + struct.pack(">I", zlib.crc32(content))
    return whole[:start] + (chunk if colours else b"") + whole[end:]


@pytest.mark.parametrize(("bits", "colours", "highest"), [(8, 0, 3), (8, 0, 0), (8, 10, 40), (4, 3, 3), (2, 2, 2)])
def test_a_palette_that_lacks_a_colour_is_damage(bits: int, colours: int, highest: int) -> None:
    words = f"x.png: the image is damaged: its palette has {colours} colours, and its pixels take number {highest}; "
    with pytest.raises(InputError, match=re.escape(f"{words}copy it again")):
        decode_image(indexed(bits, colours, highest), "x.png")


@pytest.mark.parametrize(("bits", "colours", "highest"), [(8, 41, 40), (8, 256, 3), (4, 4, 3), (1, 2, 1)])
def test_a_palette_that_has_every_colour_is_none(bits: int, colours: int, highest: int) -> None:
    image = decode_image(indexed(bits, colours, highest), "x.png")
    assert image.mode == "P" and Image.open(io.BytesIO(encoded(image))).size == (8, 8)
