"""A TIFF file is read rightly, or refused: what is missing or misread is never shown as black or noise."""

import numpy as np
import pytest

from edgecnn.errors import InputError
from edgecnn.pixels.image_files import decode_image
from tests.support.tiff_files import BITS, FORMAT, PHOTOMETRIC, SAMPLES, tiff, tiff_of_parts

HEIGHT, WIDTH = 16, 24
PICTURE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
GRAY = PICTURE[:, :, 0]
PLANES = [np.ascontiguousarray(PICTURE[:, :, channel]) for channel in range(3)]
SIZE = {256: [WIDTH], 257: [HEIGHT], 259: [1]}
RGB = {**SIZE, BITS: [8] * 3, PHOTOMETRIC: [2], SAMPLES: [3], 278: [8]}
SEPARATE = {**RGB, 278: [HEIGHT], 284: [2]}
TILED = {**RGB, 322: [16], 323: [16]}
INDEXED = {**SIZE, BITS: [8], PHOTOMETRIC: [3], SAMPLES: [1], 278: [HEIGHT]}
STRIPS = [PICTURE[:8].tobytes(), PICTURE[8:].tobytes()]
TILES = [PICTURE[:, :16].tobytes(), np.pad(PICTURE[:, 16:], ((0, 0), (0, 8), (0, 0))).tobytes()]
RAMP = [257 * value for value in range(256)] * 3


@pytest.mark.parametrize(
    ("parts", "tags"),
    [
        (STRIPS, RGB),
        ([plane.tobytes() for plane in PLANES], SEPARATE),
        (TILES, TILED),
        (STRIPS, {**RGB, FORMAT: [1] * 3}),
    ],
    ids=["strips", "planes", "tiles", "unsigned"],
)
def test_a_picture_in_parts_is_put_together(parts: list[bytes], tags: dict[int, list[int]]) -> None:
    np.testing.assert_array_equal(np.asarray(decode_image(tiff_of_parts(parts, tags), "x.tif")), PICTURE)


@pytest.mark.parametrize(
    ("parts", "tags"),
    [(STRIPS[:1], RGB), ([plane.tobytes() for plane in PLANES[:2]], SEPARATE), (TILES[:1], TILED)],
    ids=["strip", "plane", "tile"],
)
def test_a_missing_part_is_damage(parts: list[bytes], tags: dict[int, list[int]]) -> None:
    with pytest.raises(InputError, match=r"x\.tif: the image is damaged: 1 of its strips or tiles are missing; copy"):
        decode_image(tiff_of_parts(parts, tags), "x.tif")


def test_what_pillow_misreads_is_refused() -> None:
    deep = [(257 * plane.astype(np.uint16)).astype("<u2").tobytes() for plane in PLANES]
    with pytest.raises(InputError, match="separate planes of more than 8 bits, which Pillow misreads; save it as PNG"):
        decode_image(tiff_of_parts(deep, {**SEPARATE, BITS: [16] * 3}), "x.tif")
    with pytest.raises(InputError, match=r"8-bit signed integer images have no|a TIFF file that Pillow cannot read"):
        decode_image(tiff(GRAY.astype(np.int8)), "x.tif")


def test_a_palette_is_of_16_bits() -> None:
    shown = decode_image(tiff_of_parts([GRAY.tobytes()], {**INDEXED, 320: RAMP}), "x.tif").convert("L")
    np.testing.assert_array_equal(np.asarray(shown), GRAY)
    with pytest.raises(InputError, match="the palette of the TIFF file holds 8-bit values, not 16-bit ones; save it"):
        decode_image(tiff_of_parts([GRAY.tobytes()], {**INDEXED, 320: list(range(256)) * 3}), "x.tif")


def test_a_large_tiff_that_cannot_be_read_is_called_by_its_kind() -> None:
    with pytest.raises(InputError, match="a TIFF file that Pillow cannot read"):
        decode_image(b"MM\0+\0\x08\0\0" + bytes(100), "x.tif")
