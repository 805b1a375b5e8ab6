"""A picture with a colour profile becomes what it shows; without one, or with that of sRGB, it stays as it is."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, features

from edgecnn import InputError, InputSpec
from edgecnn.pixels import colour_profile
from edgecnn.pixels.preprocessing import Prepared, prepare, prepare_source
from tests.support.picture_files import encoded, grid
from tests.support.preprocessing_oracle import luma
from tests.support.profiles import ADOBE, P3, SRGB, gray_profile, in_srgb, rgb_profile, table_profile

SIZE = 28
SPEC = InputSpec(SIZE, SIZE, 3, "rgb", "pad", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
GRAY = InputSpec(SIZE, SIZE, 1, "grayscale", "pad", "bilinear", (1.0,), (0.0,), "any")
COLOURS = grid(SIZE, SIZE, 3).astype(np.uint8)
PICTURE = Image.fromarray(COLOURS)
SWAPPED = SRGB[:, [2, 0, 1]]  # red stands where blue is, ...


def prepared(data: bytes, folder: Path, spec: InputSpec = SPEC) -> Prepared:
    (folder / "image").write_bytes(data)
    return prepare_source(folder / "image", spec)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "in memory"])
@pytest.mark.parametrize(("matrix", "gamma"), [(P3, 2.2), (ADOBE, 2.19921875), (SWAPPED, 1.8), (SRGB, 1.0)])
def test_colours_are_those_of_the_profile(kind: str, matrix: Any, gamma: float, tmp_path: Path) -> None:
    profile = rgb_profile(matrix, gamma)
    if kind == "in memory":
        picture = PICTURE.copy()
        picture.info["icc_profile"] = profile
        found = prepare(picture, SPEC)
    else:
        found = prepared(
            encoded(PICTURE, kind, icc_profile=profile, **{"lossless": True} if kind == "WEBP" else {}), tmp_path
        )
    # Little CMS computes in 14 bits; gamma 1 makes steps of twelve of the darkest.
    np.testing.assert_allclose(found.pixels, in_srgb(COLOURS, matrix, gamma), atol=1.01 if gamma > 1 else 2)
    assert found.note == ""


def jpeg(profile: bytes | None) -> bytes:
    return encoded(PICTURE, "JPEG", quality=95, subsampling=0, **({"icc_profile": profile} if profile else {}))


def test_a_photograph_is_converted_after_it_is_decoded(tmp_path: Path) -> None:
    plain = prepared(jpeg(None), tmp_path).pixels
    found = prepared(jpeg(rgb_profile(ADOBE, 2.2)), tmp_path).pixels
    np.testing.assert_allclose(found, in_srgb(plain, ADOBE, 2.2), atol=1.01)
    gray = prepared(jpeg(rgb_profile(ADOBE, 2.2)), tmp_path, GRAY).pixels[:, :, 0]
    assert gray.tolist() == [[luma(*pixel) for pixel in row] for row in found.tolist()]


def own_srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA"])
def test_the_profile_of_srgb_changes_no_pixel(mode: str, tmp_path: Path) -> None:
    picture = PICTURE.convert(mode)
    for spec in (SPEC, GRAY):
        with_it = prepared(encoded(picture, icc_profile=own_srgb()), tmp_path, spec)
        np.testing.assert_array_equal(with_it.pixels, prepared(encoded(picture), tmp_path, spec).pixels)
        assert with_it.note == ""


def test_gray_has_a_profile_of_its_own(tmp_path: Path) -> None:
    values = (np.arange(SIZE * SIZE) % 256).astype(np.uint8).reshape(SIZE, SIZE)
    expected = in_srgb(np.stack([values] * 3, axis=-1), SRGB, 1.8)[:, :, 0]
    for profile in (gray_profile(1.8), rgb_profile(P3, 1.8)):  # the second: a photograph that was made gray
        for mode in ("L", "LA"):
            found = prepared(encoded(Image.fromarray(values).convert(mode), icc_profile=profile), tmp_path, GRAY).pixels
            # Little CMS takes gray by way of lightness, in which the darkest steps are coarse.
            np.testing.assert_allclose(found[:, :, 0], expected, atol=1.6)


def test_transparency_is_not_mixed_with(tmp_path: Path) -> None:
    opacity = np.where(COLOURS[:, :, 0] > 127, 255, 0).astype(np.uint8)
    clear = PICTURE.copy()
    clear.putalpha(Image.fromarray(opacity))
    indexed = PICTURE.quantize(20)
    profile = rgb_profile(SWAPPED, 2.2)
    found = prepared(encoded(clear, icc_profile=profile), tmp_path).pixels
    expected = np.where(opacity[:, :, None] > 0, in_srgb(COLOURS, SWAPPED, 2.2), 0)
    np.testing.assert_allclose(found, expected, atol=1.01)
    found = prepared(encoded(indexed, icc_profile=profile, transparency=7), tmp_path).pixels
    expected = in_srgb(np.asarray(indexed.convert("RGB")), SWAPPED, 2.2) * (np.asarray(indexed) != 7)[:, :, None]
    np.testing.assert_allclose(found, expected, atol=1.01)


@pytest.mark.parametrize(
    "spoil", [lambda profile: profile[:90], lambda profile: b"\0" * 200, lambda _: gray_profile(2.2),
              lambda profile: profile.replace(b"rTRC", b"nTRC")],
    ids=["cut", "zeros", "of gray", "no red"],
)  # fmt: skip
def test_a_profile_that_cannot_be_used_is_left_out_with_a_note(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    found = prepared(encoded(PICTURE, icc_profile=spoil(rgb_profile(P3, 2.2))), tmp_path)
    np.testing.assert_array_equal(found.pixels, COLOURS)
    assert "its colour profile cannot be used and was left out" in found.note


def test_a_pillow_without_little_cms_refuses_instead_of_guessing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    colour_profile._conversion.cache_clear()
    check = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "littlecms2" and check(name))
    with pytest.raises(InputError, match="colour profile, which this Pillow, built without Little CMS, cannot apply"):
        prepared(encoded(PICTURE, icc_profile=rgb_profile(P3, 2.2)), tmp_path)


def test_a_profile_that_each_library_reads_differently_is_refused(tmp_path: Path) -> None:
    for picture, profile in ((PICTURE.convert("CMYK"), table_profile(4)), (PICTURE, table_profile(3))):
        with pytest.raises(InputError, match=r"image: its colour profile is a table.*; save the image as sRGB"):
            prepared(encoded(picture, "TIFF", icc_profile=profile), tmp_path)


def test_a_profile_of_other_colours_than_the_image_has_is_left_out(tmp_path: Path) -> None:
    for picture, profile in ((PICTURE.convert("CMYK"), rgb_profile(P3, 2.2)), (PICTURE, table_profile(4))):
        found = prepared(encoded(picture, "TIFF", icc_profile=profile), tmp_path)
        assert "cannot be used" in found.note
        np.testing.assert_array_equal(found.pixels, np.asarray(picture.convert("RGB")))
