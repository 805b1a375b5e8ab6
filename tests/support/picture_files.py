"""Picture files of every mode, and the gray plane that each must become."""

import io
import math
import zlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.support.preprocessing_oracle import luma, muldiv255, over


def grid(height: int, width: int, channels: int, highest: int = 255) -> npt.NDArray[np.int64]:
    return np.random.default_rng(height * width + channels).integers(0, highest + 1, (height, width, channels))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gray_case() -> tuple[bytes, list[list[int]]]:
    values = grid(40, 30, 1)[:, :, 0]
    return encoded(Image.fromarray(values.astype(np.uint8))), values.tolist()


def bilevel_case() -> tuple[bytes, list[list[int]]]:
    values = grid(40, 30, 1, 1)[:, :, 0] * 255
    return encoded(Image.fromarray(values.astype(np.uint8)).convert("1")), values.tolist()


def rgb_case() -> tuple[bytes, list[list[int]]]:
    values = grid(33, 50, 3)
    plane = [[luma(*pixel) for pixel in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint8))), plane


def rgba_case() -> tuple[bytes, list[list[int]]]:
    values = grid(33, 50, 4)
    plane = [[luma(*(over(v, p[3], 0) for v in p[:3])) for p in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint8))), plane


def gray_alpha_case() -> tuple[bytes, list[list[int]]]:
    values = grid(20, 20, 2)
    plane = [[over(v, a, 0) for v, a in row] for row in values.tolist()]
    image = Image.merge("LA", [Image.fromarray(values[:, :, c].astype(np.uint8)) for c in range(2)])
    return encoded(image), plane


def sixteen_bit_case() -> tuple[bytes, list[list[int]]]:
    values = grid(35, 35, 1, 65535)[:, :, 0]
    plane = [[math.floor(v / 257 + 0.5) for v in row] for row in values.tolist()]
    return encoded(Image.fromarray(values.astype(np.uint16))), plane


def transparent_sixteen_bit_case() -> tuple[bytes, list[list[int]]]:
    values = grid(28, 30, 1, 3)[:, :, 0] * 20_000
    plane = [[0 if v == 40_000 else math.floor(v / 257 + 0.5) for v in row] for row in values.tolist()]
    png = encoded(Image.fromarray(values.astype(np.uint16)))
    chunk = b"tRNS" + (40_000).to_bytes(2, "big")  # not every Pillow writes it
    after = len(b"\x89PNG\r\n\x1a\n") + 25  # the header
    return png[:after] + b"\0\0\0\2" + chunk + zlib.crc32(chunk).to_bytes(4, "big") + png[after:], plane


def palette_case() -> tuple[bytes, list[list[int]]]:
    colours, indices = grid(1, 16, 3)[0].tolist(), grid(30, 44, 1, 15)[:, :, 0]
    image = Image.fromarray(indices.astype(np.uint8), mode=None).convert("L").convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    return encoded(image), [[luma(*colours[i]) for i in row] for row in indices.tolist()]


def transparent_palette_case() -> tuple[bytes, list[list[int]]]:
    colours, indices = grid(1, 16, 3)[0].tolist(), grid(30, 44, 1, 15)[:, :, 0]
    image = Image.new("P", (44, 30))
    image.putdata(indices.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    plane = [[0 if i == 5 else luma(*colours[i]) for i in row] for row in indices.tolist()]
    return encoded(image, transparency=5), plane


def cmyk_case() -> tuple[bytes, list[list[int]]]:
    values = grid(31, 29, 4)
    image = Image.merge("CMYK", [Image.fromarray(values[:, :, c].astype(np.uint8)) for c in range(4)])
    plane = [
        [luma(*(max(0, 255 - p[3] - muldiv255(v, 255 - p[3])) for v in p[:3])) for p in row] for row in values.tolist()
    ]
    return encoded(image, "TIFF"), plane


# How a picture lies in a file of each orientation: which side the first row shows, and which the first column.
UPRIGHT = {
    1: lambda stored: stored,  # top, left
    2: lambda stored: stored[:, ::-1],  # top, right
    3: lambda stored: stored[::-1, ::-1],  # bottom, right
    4: lambda stored: stored[::-1],  # bottom, left
    5: lambda stored: stored.T,  # left, top
    6: lambda stored: stored[::-1].T,  # right, top
    7: lambda stored: stored[::-1, ::-1].T,  # right, bottom
    8: lambda stored: stored[:, ::-1].T,  # left, bottom
}


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def rotated_case() -> tuple[bytes, list[list[int]]]:
    values = grid(30, 20, 1)[:, :, 0]
    return encoded(Image.fromarray(values.astype(np.uint8)), exif=turned(6)), UPRIGHT[6](values).tolist()


def animated_case() -> tuple[bytes, list[list[int]]]:
    values = grid(28, 28, 1)[:, :, 0]
    later = Image.new("L", (28, 28), 200)
    first = Image.fromarray(values.astype(np.uint8))
    return encoded(first, "GIF", save_all=True, append_images=[later]), values.tolist()


CASES: list[Callable[[], tuple[bytes, list[list[int]]]]] = [
    gray_case,
    bilevel_case,
    rgb_case,
    rgba_case,
    gray_alpha_case,
    sixteen_bit_case,
    transparent_sixteen_bit_case,
    palette_case,
    transparent_palette_case,
    cmyk_case,
    rotated_case,
    animated_case,
]


def cut_out(mode: str) -> Image.Image:
    """A gray square (120) in the middle of a mode's transparency, whose hidden colour is another."""
    gray = Image.new("L", (28, 28), 200)
    gray.paste(120, (7, 7, 21, 21))
    if mode == "P":
        image = gray.convert("P")  # its palette is that of grays
        image.info["transparency"] = 200
        return image
    opacity = Image.new("L", gray.size, 0)
    opacity.paste(255, (7, 7, 21, 21))
    straight = {"L": "LA", "P": "PA", "R": "RGBA"}[mode[0]]
    image = gray.convert(straight[:-1])
    image.putalpha(opacity)
    return image if image.mode == mode else image.convert(mode)
