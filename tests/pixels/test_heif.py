"""HEIC, the photographs of telephones: an image like any other, or the sentence that says what reads it."""

import importlib.util
import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec, MissingExtraError
from edgecnn.pixels.heif import is_heif
from edgecnn.pixels.image_files import decode_image, find_images, open_image, require_heif
from edgecnn.pixels.preprocessing import prepare_source

pillow_heif = pytest.importorskip("pillow_heif", reason="needs edgecnn[heic]")


@pytest.fixture
def picture() -> Image.Image:
    """Red above, blue below; wider than high."""
    picture = Image.new("RGB", (96, 64), (220, 30, 30))
    picture.paste((30, 30, 220), (0, 32, 96, 64))
    return picture


def heic(picture: Image.Image, **options: object) -> bytes:
    pillow_heif.register_heif_opener()  # for writing; edgecnn reads without it
    buffer = io.BytesIO()
    picture.save(buffer, "HEIF", quality=95, **options)
    return buffer.getvalue()


def test_a_heic_photograph_has_the_pixels_of_its_picture(picture: Image.Image, tmp_path: Path) -> None:
    (tmp_path / "IMG_0001.HEIC").write_bytes(heic(picture))
    assert find_images([str(tmp_path)]) == [str(tmp_path / "IMG_0001.HEIC")]
    image = open_image(str(tmp_path / "IMG_0001.HEIC"))
    # HEVC at quality 95 keeps plain areas within a few steps; the seam between them is left out.
    found, expected = np.asarray(image.convert("RGB"), int), np.asarray(picture, int)
    np.testing.assert_allclose(found[:24], expected[:24], atol=6)
    np.testing.assert_allclose(found[40:], expected[40:], atol=6)


def test_rotation_is_applied_once(picture: Image.Image, spec: InputSpec, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: red comes to the right
    (tmp_path / "turned.heic").write_bytes(heic(picture, exif=exif.tobytes()))
    picture.transpose(Image.Transpose.ROTATE_270).save(tmp_path / "upright.png")
    pixels = [prepare_source(str(tmp_path / name), spec).pixels.astype(int) for name in ("turned.heic", "upright.png")]
    assert np.abs(pixels[0] - pixels[1]).mean() < 3


def test_damaged_heic_is_an_image_or_a_sentence(picture: Image.Image) -> None:
    whole, generator, refused = heic(picture), random.Random(2), 0
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(generator.randrange(1, 6)):
            data[generator.randrange(12, len(data))] = generator.randrange(256)
        try:
            decode_image(bytes(data), "damaged")
        except InputError:
            refused += 1
    assert refused > 0
    with pytest.raises(InputError, match="damaged or truncated"):
        decode_image(whole[: len(whole) // 2], "half.heic")


def test_avif_stays_with_pillow(picture: Image.Image) -> None:
    buffer = io.BytesIO()
    try:
        picture.save(buffer, "AVIF")
    except (KeyError, OSError):
        pytest.skip("this Pillow writes no AVIF")
    assert not is_heif(buffer.getvalue()) and is_heif(heic(picture))
    assert decode_image(buffer.getvalue(), "x.avif").size == (96, 64)


def test_without_the_extra_a_sentence_says_what_to_install(
    picture: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "IMG_0001.HEIC").write_bytes(heic(picture))
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pillow_heif" else find_spec(name))
    with pytest.raises(InputError, match=r'IMG_0001\.HEIC: HEIC .* pip install "edgecnn\[heic\]"'):
        open_image(str(tmp_path / "IMG_0001.HEIC"))
    with pytest.raises(MissingExtraError, match=r"1 HEIC photographs, such as .*edgecnn\[heic\]"):
        require_heif(find_images([str(tmp_path)]))
