"""A pixel of a PNG file whose palette lacks its colour has none, and is not taken for black without a word."""

import io
import re
import struct
import zlib
from collections.abc import Callable

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


PALETTE = bytes(range(10, 22))  # four colours
HEAD = struct.pack("<HH", 8, 8)


def as_gif(numbers: bytes) -> bytes:
    """By hand: so few LZW codes that they stay at 9 bits."""
    codes = [256, *numbers, 257]
    packed = sum(code << 9 * place for place, code in enumerate(codes)).to_bytes(9 * len(codes) // 8 + 1, "little")
    frame = b"\x2c\0\0\0\0" + HEAD + b"\0\x08" + bytes([len(packed)]) + bytes(packed)
    return b"GIF89a" + HEAD + b"\x81\0\0" + PALETTE + frame + b"\0;"


def as_tga(numbers: bytes) -> bytes:
    return struct.pack("<BBBHHBHH", 0, 1, 1, 0, 4, 24, 0, 0) + HEAD + b"\x08\x20" + PALETTE + numbers


def as_bmp(numbers: bytes) -> bytes:
    colours = b"".join(PALETTE[place : place + 3] + b"\0" for place in range(0, 12, 3))
    head = struct.pack("<IiiHHIIiiII", 40, 8, 8, 1, 8, 0, 64, 0, 0, 4, 0)
    return b"BM" + struct.pack("<IHHI", 70 + 64, 0, 0, 70) + head + colours + numbers


@pytest.mark.parametrize("written", [as_gif, as_tga, as_bmp])
def test_palettes_of_other_formats_are_looked_at_too(written: Callable[[bytes], bytes]) -> None:
    numbers = bytes(number % 4 for number in range(64))
    assert decode_image(written(numbers), "x").convert("RGB").getpixel((0, 0)) in {(10, 11, 12), (12, 11, 10)}
    with pytest.raises(InputError, match="its palette has 4 colours, and its pixels take number 7; copy it again"):
        decode_image(written(bytes(number % 8 for number in range(64))), "x")
