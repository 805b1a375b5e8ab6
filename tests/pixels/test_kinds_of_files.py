"""Kinds of files in which something may go wrong without a word: turned, several pictures, print, transparent."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from edgecnn import InputSpec
from edgecnn.pixels.image_files import decode_image
from edgecnn.pixels.preprocessing import prepare, prepare_source
from tests.support.picture_files import UPRIGHT, encoded, grid, turned

SIZE = 32
RGB = InputSpec(SIZE, SIZE, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
GRAY = InputSpec(SIZE, SIZE, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "any")


def require_reader(kind: str) -> None:
    """Skip the test where Pillow is built without AVIF, or is older than it."""
    if kind == "AVIF" and not ("avif" in features.modules and features.check("avif")):
        pytest.skip("this Pillow reads no AVIF")


def tiles() -> Any:
    """Eight by eight evenly gray tiles, which lossy compression keeps."""
    return grid(4, 4, 1, 15)[:, :, 0].repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8) * 17


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF", "TIFF", "PNG", "MPO"])
def test_every_orientation_of_every_format_becomes_upright(kind: str, orientation: int) -> None:
    require_reader(kind)
    stored = tiles()
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100}
    data = encoded(Image.fromarray(stored).convert("RGB"), kind, exif=turned(orientation), **options)
    found = prepare(decode_image(data, kind), GRAY).pixels[:, :, 0]
    np.testing.assert_allclose(found, UPRIGHT[orientation](stored).astype(int), atol=3)


def as_ycck(inks: Any) -> Any:
    """What stands for inks where luma and chroma are stored: BT.601 of cyan, magenta and yellow, and 255 - black."""
    cyan, magenta, yellow, black = np.moveaxis(inks.astype(float), -1, 0)
    luma = 0.299 * cyan + 0.587 * magenta + 0.114 * yellow
    planes = luma, 128 + (yellow - luma) / 1.772, 128 + (cyan - luma) / 1.402, 255 - black
    return np.stack(planes, axis=-1).round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("kind", ["Adobe", "Adobe YCCK", "of others"])
def test_prints_are_light_where_there_is_no_ink(kind: str) -> None:
    inks = np.zeros((SIZE, SIZE, 4), np.uint8)
    inks[:, 16:, 1:3] = 255  # magenta and yellow make red
    inks[16:, :16, 3] = 255  # black
    inks[16:, 16:] = (60, 0, 0, 0)
    # Pillow writes negatives.
    stored = {"Adobe": inks, "Adobe YCCK": 255 - as_ycck(inks), "of others": 255 - inks}[kind]
    data = bytearray(
        encoded(Image.frombytes("CMYK", (SIZE, SIZE), stored.tobytes()), "JPEG", quality=100, subsampling=0)
    )
    marker = data.index(b"Adobe")
    if kind == "Adobe YCCK":
        data[marker + 11] = 2
    if kind == "of others":
        del data[marker - 4 : marker + 12]
    found = prepare(decode_image(bytes(data), kind), RGB).pixels.astype(int)
    places, colours = [(4, 4), (4, 24), (24, 4), (24, 24)], [(255, 255, 255), (255, 0, 0), (0, 0, 0), (195, 255, 255)]
    for (row, column), colour in zip(places, colours, strict=True):
        np.testing.assert_allclose(found[row, column], colour, atol=4)


def two(kind: str) -> bytes:
    first, second = Image.new("RGB", (SIZE, SIZE), (250, 10, 20)), Image.new("RGB", (SIZE, SIZE), (0, 0, 255))
    buffer = io.BytesIO()
    file = "PNG" if kind == "APNG" else kind
    first.save(buffer, file, save_all=True, append_images=[second], **{"lossless": True} if kind == "WEBP" else {})
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["GIF", "APNG", "WEBP", "TIFF", "MPO", "AVIF"])
def test_of_several_pictures_the_first_counts(kind: str, tmp_path: Path) -> None:
    require_reader(kind)
    (tmp_path / "image").write_bytes(two(kind))
    assert np.ptp(prepare_source(tmp_path / "image", RGB).pixels, axis=(0, 1)).max() <= 1
    np.testing.assert_allclose(prepare_source(tmp_path / "image", RGB).pixels[5, 5], (250, 10, 20), atol=4)


@pytest.mark.parametrize("background", ["dark", "light"])
@pytest.mark.parametrize("mode", ["LA", "PA", "RGBA", "La", "RGBa", "L key", "RGB key", "P key", "P alphas"])
def test_transparency_shows_the_background(mode: str, background: Any) -> None:
    opacity = np.array([0, 255, 128, 64] * 8, np.uint8)[None].repeat(SIZE, axis=0)
    value, behind = 200, 255 * (background == "light")
    share = opacity / 255.0
    expected = value * share + behind * (1 - share)
    image = Image.new("L", (SIZE, SIZE), value)
    kind, _, how = mode.partition(" ")
    if how == "key":
        image = Image.fromarray(np.where(opacity == 0, 100, value).astype(np.uint8))
        expected = np.where(opacity == 0, behind, value).astype(float)
        key: Any = (100, 100, 100) if kind == "RGB" else 100
        palette = image.convert(kind)
        if kind == "P":
            key = int(np.asarray(palette)[0, 0])
        image = Image.open(io.BytesIO(encoded(palette, transparency=key)))
    elif how == "alphas":
        picture = Image.fromarray(np.searchsorted([0, 64, 128, 255], opacity).astype(np.uint8))
        picture.putpalette([value] * 12)
        image = Image.open(io.BytesIO(encoded(picture, transparency=bytes([0, 64, 128, 255]))))
    elif kind == "PA":  # what Pillow 9.4 converts to it loses its transparency
        image.putpalette([level for level in range(256) for _ in range(3)])
        image = image.convert("PA")
        image.putalpha(Image.fromarray(opacity))
    else:
        image = image.convert("LA" if kind in ("LA", "La") else "RGBA")
        image.putalpha(Image.fromarray(opacity))
        image = image if kind in ("LA", "RGBA") else image.convert(kind)
    spec = InputSpec(SIZE, SIZE, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), background)
    found = prepare(image, spec).pixels[:, :, 0]
    np.testing.assert_allclose(found, expected, atol=2.01)
