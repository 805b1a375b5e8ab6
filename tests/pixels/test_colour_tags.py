"""What a file says of its colours without a profile is done, or said to be left out; sRGB in any words does nothing."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.pixels.image_files import EncodedImage
from edgecnn.pixels.preprocessing import Prepared, prepare, prepare_source
from tests.support.picture_files import encoded, grid
from tests.support.profiles import ADOBE, P3, SRGB, in_srgb, rgb_profile

SIZE = 28
SPEC = InputSpec(SIZE, SIZE, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
GRAY = InputSpec(SIZE, SIZE, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "any")
COLOURS = grid(SIZE, SIZE, 3).astype(np.uint8)
PICTURE = Image.fromarray(COLOURS)
WHITE = (0.3127, 0.329)
RED_GREEN_BLUE = {"srgb": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06), "p3": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06)}


def png(*chunks: tuple[bytes, bytes], picture: Image.Image = PICTURE) -> bytes:
    """A PNG file with chunks behind its header."""
    data = encoded(picture)
    parts = (
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )
    return data[:33] + b"".join(parts) + data[33:]


def gamma(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(value * 100_000))


def primaries(name: str) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(each * 100_000) for each in (*WHITE, *RED_GREEN_BLUE[name])))


def codes(primaries: int, curve: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes([primaries, curve, 0, 1])


def prepared(data: bytes, spec: InputSpec = SPEC) -> Prepared:
    return prepare_source(EncodedImage(data), spec)


@pytest.mark.parametrize(
    ("chunks", "matrix", "exponent"),
    [
        ([gamma(1 / 1.8)], SRGB, 1.8),
        ([gamma(1.0), primaries("srgb")], SRGB, 1.0),
        ([gamma(1 / 1.8), primaries("p3")], P3, 1.8),
        ([codes(12, 4)], P3, 2.2),
        ([codes(1, 8), gamma(1 / 2.2)], SRGB, 1.0),
        ([codes(12, 4), (b"iCCP", b"x\0\0" + zlib.compress(rgb_profile(ADOBE, 1.8)))], P3, 2.2),
        ([gamma(1 / 1.8), (b"iCCP", b"x\0\0" + zlib.compress(rgb_profile(P3, 2.2)))], P3, 2.2),
    ],
    ids=["gAMA", "linear", "gAMA, cHRM", "cICP", "cICP before gAMA", "cICP before iCCP", "iCCP before gAMA"],
)
def test_a_png_without_a_profile_is_shown_as_its_chunks_say(chunks: list[Any], matrix: Any, exponent: float) -> None:
    found = prepared(png(*chunks))
    np.testing.assert_allclose(found.pixels, in_srgb(COLOURS, matrix, exponent), atol=1.01 if exponent > 1 else 2)
    assert found.note == ""


def test_the_curve_of_srgb_is_known_by_its_code() -> None:
    light = np.where(COLOURS <= 10, COLOURS / 255 / 12.92, ((COLOURS / 255 + 0.055) / 1.055) ** 2.4)
    expected = in_srgb(255 * light, P3, 1.0)  # display P3: sRGB's curve, other primaries
    np.testing.assert_allclose(prepared(png(codes(12, 13))).pixels, expected, atol=1.01)


@pytest.mark.parametrize(
    "chunks",
    [
        [gamma(1 / 2.2), primaries("srgb")],
        [gamma(1 / 2.2)],
        [primaries("srgb")],
        [codes(1, 13)],
        [codes(1, 1)],
        [codes(2, 2)],
        [(b"sRGB", b"\0"), gamma(1.0)],
    ],
)
@pytest.mark.parametrize("spec", [SPEC, GRAY])
def test_srgb_in_other_words_changes_no_pixel(chunks: list[Any], spec: InputSpec) -> None:
    np.testing.assert_array_equal(prepared(png(*chunks), spec).pixels, prepared(png(), spec).pixels)
    assert prepared(png(*chunks), spec).note == ""


def test_gray_has_a_gamma_too_and_so_has_an_image_in_memory() -> None:
    values = (np.arange(SIZE * SIZE) % 256).astype(np.uint8).reshape(SIZE, SIZE)
    expected = in_srgb(np.stack([values] * 3, axis=-1), SRGB, 1.8)[:, :, 0]
    data = png(gamma(1 / 1.8), picture=Image.fromarray(values))
    for found in (prepared(data, GRAY), prepare(Image.open(io.BytesIO(data)), GRAY)):
        np.testing.assert_allclose(found.pixels[:, :, 0], expected, atol=1.01)


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([gamma(0)], "its gamma is 0, which cannot be used and was left out"),
        ([gamma(40)], "its gamma is 40, which cannot be used"),
        ([primaries("p3")], "its primaries .PNG cHRM. come without a curve .gAMA., which cannot be used"),
        ([gamma(1 / 1.8), (b"cHRM", b"\0" * 32)], "its primaries are .0.0, .*which cannot be used"),
        ([codes(99, 13)], "by numbers that are not known here .99, 13., which cannot be used"),
        ([codes(1, 77)], "by numbers that are not known here .1, 77., which cannot be used"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_a_note(chunks: list[Any], words: str) -> None:
    found = prepared(png(*chunks))
    np.testing.assert_array_equal(found.pixels, COLOURS)
    assert re.search(words, found.note)


def test_code_points_that_are_damaged_or_pixels_are_none() -> None:
    whole = png(codes(12, 4))
    for data in (png() + whole[33:49], png() + avif(9, 16)):
        np.testing.assert_array_equal(prepared(data).pixels, COLOURS)
    with pytest.raises(InputError, match="damaged"):
        prepared(whole.replace(b"cICP\x0c", b"cICP\x0d"))


@pytest.mark.parametrize(("curve", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_instead_of_guessed(curve: int, name: str) -> None:
    with pytest.raises(InputError, match=rf"the image: its colours are of high dynamic range \({name}\)"):
        prepared(png(codes(9, curve)))


def with_exif(space: int, interoperability: str = "", kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif[0x8769] = {0xA001: space, **({0xA005: {1: interoperability}} if interoperability else {})}
    return encoded(PICTURE, kind, exif=exif.tobytes(), **{"quality": 95, "subsampling": 0} if kind == "JPEG" else {})


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_a_camera_in_adobe_rgb_says_so_in_exif_alone(kind: str) -> None:
    plain = prepared(with_exif(1, "R98", kind))
    for space, rule in ((0xFFFF, "R03"), (2, ""))[kind == "TIFF" :]:  # Pillow writes no such rule into a TIFF
        found = prepared(with_exif(space, rule, kind))
        np.testing.assert_allclose(found.pixels, in_srgb(plain.pixels, ADOBE, 563 / 256), atol=1.01)
        assert found.note == plain.note == ""


def test_colours_that_exif_calls_unknown_are_taken_for_srgb_with_a_note() -> None:
    found = prepared(with_exif(0xFFFF))
    np.testing.assert_array_equal(found.pixels, prepared(with_exif(1)).pixels)
    assert "its EXIF says that its colours are not sRGB's, but not which they are" in found.note


def avif(primaries: int, curve: int) -> bytes:
    pytest.importorskip("PIL.AvifImagePlugin")
    data = encoded(PICTURE, "AVIF", quality=100, subsampling="4:4:4")
    return data.replace(b"colrnclx\0\1\0\x0d", b"colrnclx" + struct.pack(">HH", primaries, curve))


def test_avif_has_code_points() -> None:
    plain = prepared(avif(1, 13))
    np.testing.assert_allclose(prepared(avif(12, 4)).pixels, in_srgb(plain.pixels, P3, 2.2), atol=1.01)
    with pytest.raises(InputError, match="high dynamic range"):
        prepared(avif(9, 18))


def test_heic_has_code_points() -> None:
    heif = pytest.importorskip("pillow_heif")
    images = []
    for numbers in ({}, {"color_primaries": 12, "transfer_characteristics": 4}):
        buffer = io.BytesIO()
        heif.from_pillow(PICTURE).save(buffer, quality=-1, chroma=444, save_nclx_profile=True, **numbers)
        images.append(prepared(buffer.getvalue()).pixels)
    np.testing.assert_allclose(images[1], in_srgb(images[0], P3, 2.2), atol=1.01)


@pytest.mark.parametrize(("name", "words"), [("p3", "its primaries are a TIFF's tag"), ("srgb", "")])
def test_a_tiff_with_primaries_alone_says_so(name: str, words: str, tmp_path: Path) -> None:
    PICTURE.save(tmp_path / "image.tif", tiffinfo={318: WHITE, 319: RED_GREEN_BLUE[name]})
    found = prepare_source(tmp_path / "image.tif", SPEC)
    np.testing.assert_array_equal(found.pixels, COLOURS)
    assert found.note.startswith(words) and bool(found.note) == bool(words)
