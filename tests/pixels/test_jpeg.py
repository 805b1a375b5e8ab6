"""Large JPEGs are decoded no larger than needed, by one rule, and little else changes."""

import functools
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.pixels import jpeg
from edgecnn.pixels.crop import Crop
from edgecnn.pixels.input_spec import Fit, ResizeFilter
from edgecnn.pixels.preprocessing import prepare, prepare_source
from tests.support.photographs import drawing, jpeg_bytes, photograph, save_jpeg

SPEC = InputSpec(32, 32, 3, "rgb", "crop", "bilinear", (1 / 255,) * 3, (0.0,) * 3, "any", "reduced")
# What the format's page promises, in steps of 255.
MEAN, NINETY_NINE_PERCENT, MOST = 0.5, 3, 16
# And of drawings in pure colours, the hardest there are: decoded in full, what the encoder left of their edges beyond 0
# and 255 is cut off before it is averaged.
DRAWN_MEAN, DRAWN_MOST = 2, 40


def pixels(path: Path, spec: InputSpec) -> npt.NDArray[np.int64]:
    return prepare_source(path, spec).pixels.astype(np.int64)


def difference(path: Path, spec: InputSpec) -> npt.NDArray[np.int64]:
    """Between decoding as the spec says and in full."""
    return np.asarray(np.abs(pixels(path, spec) - pixels(path, replace(spec, jpeg_decoding="full"))))


def assert_small(found: npt.NDArray[np.int64]) -> None:
    assert 0 < found.mean() < MEAN and np.percentile(found, 99) <= NINETY_NINE_PERCENT and found.max() <= MOST


def decoded_size(monkeypatch: pytest.MonkeyPatch, path: Path, spec: InputSpec) -> tuple[int, int]:
    """Of the image as the decoder gives it."""
    sizes = []
    reduce = jpeg.reduce_jpeg

    def spy(image: Image.Image, spec: InputSpec, crop: Crop | None = None) -> object:
        box = reduce(image, spec, crop)
        sizes.append(image.size)
        return box

    monkeypatch.setattr("edgecnn.pixels.preprocessing.reduce_jpeg", spy)
    prepare_source(path, spec)
    return sizes[0]


@pytest.mark.parametrize(
    ("size", "fit", "scale"),
    [
        ((32 * 24, 32 * 24), "crop", 8),
        ((32 * 24 - 1, 32 * 30), "crop", 4),
        ((32 * 30, 32 * 12 - 1), "stretch", 2),
        ((32 * 30, 32 * 6 - 1), "stretch", 1),
        ((32 * 30, 32 * 6 - 1), "pad", 8),
        ((32 * 6, 32 * 6), "pad", 2),
        ((32 * 6 - 1, 32 * 6 - 1), "pad", 1),
    ],
)
def test_the_scale_leaves_three_pixels_for_each_of_the_input(size: tuple[int, int], fit: Fit, scale: int) -> None:
    assert jpeg.scale_for(*size, replace(SPEC, fit=fit)) == scale
    assert jpeg.scale_for(*size, replace(SPEC, fit=fit, jpeg_decoding="full")) == 1


@pytest.mark.parametrize("resize_filter", ["nearest", "box"])
def test_filters_that_take_single_pixels_or_have_hard_edges_get_all_of_them(resize_filter: ResizeFilter) -> None:
    assert jpeg.scale_for(4000, 3000, replace(SPEC, resize_filter=resize_filter)) == 1


@functools.cache
def photograph_bytes(seed: int, **options: Any) -> bytes:
    return jpeg_bytes(photograph(1013, 803, seed), **options)


@pytest.mark.parametrize("resize_filter", jpeg.SMOOTH_FILTERS)
@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("options", [{}, {"subsampling": 0}, {"progressive": True, "quality": 75}], ids=str)
def test_pixels_differ_little_from_those_of_the_whole(
    resize_filter: ResizeFilter, fit: Fit, options: dict[str, Any], tmp_path: Path
) -> None:
    # Odd sizes, so that the last column and row are picture in part; 6.3, 12.6 and 25 pixels to one of the input.
    for side in (32, 63, 127):
        spec = replace(SPEC, height=side, width=side, fit=fit, resize_filter=resize_filter)
        path = tmp_path / f"{side}.jpg"
        path.write_bytes(photograph_bytes(side, **options))
        found = difference(path, spec)
        assert_small(found)


@pytest.mark.parametrize("resize_filter", jpeg.SMOOTH_FILTERS)
@pytest.mark.parametrize("side", [33, 66, 133])
def test_drawings_in_pure_colours_differ_by_no_more_than_is_said(
    resize_filter: ResizeFilter, side: int, tmp_path: Path
) -> None:
    spec = replace(SPEC, height=side, width=side, resize_filter=resize_filter)
    found = difference(save_jpeg(tmp_path / "drawn.jpg", drawing(803, 803)), spec)
    assert MEAN < found.mean() < DRAWN_MEAN and MOST < found.max() <= DRAWN_MOST


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_reduced_and_lies_where_it_lay(orientation: int, tmp_path: Path) -> None:
    spec = replace(SPEC, height=16, width=40, fit="stretch")
    path = save_jpeg(tmp_path / "turned.jpg", photograph(1013, 611), orientation)
    found = difference(path, spec)
    assert_small(found)


@pytest.mark.parametrize(("orientation", "size"), [(1, (1013, 611)), (6, (507, 306))])
def test_the_factor_is_that_of_the_upright_image(
    orientation: int, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(SPEC, height=160, width=100, fit="stretch")  # 10.1 and 3.8 to one; turned, 6.1 and 6.3
    path = save_jpeg(tmp_path / "turned.jpg", photograph(1013, 611), orientation)
    assert decoded_size(monkeypatch, path, spec) == size


@pytest.mark.parametrize("size", [(800, 5), (5, 800), (800, 1), (210, 1), (500, 3)])
def test_a_strip_that_is_lower_than_the_scale_is_decoded_in_full(size: tuple[int, int], tmp_path: Path) -> None:
    spec = replace(SPEC, fit="pad")
    assert jpeg.scale_for(*size, spec) > min(size)
    assert difference(save_jpeg(tmp_path / "strip.jpg", photograph(*size)), spec).max() == 0


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_gray_and_cmyk_photographs_are_reduced_too(mode: str, tmp_path: Path) -> None:
    path = save_jpeg(tmp_path / "photo.jpg", photograph(803, 803).convert(mode))
    found = difference(path, SPEC)
    assert_small(found)


def test_the_first_picture_of_a_file_of_several_is_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = photograph(803, 803, 1), photograph(803, 803, 2)
    first.save(tmp_path / "two.mpo", save_all=True, append_images=[second], quality=90)
    assert decoded_size(monkeypatch, tmp_path / "two.mpo", SPEC) == (101, 101)
    found = difference(tmp_path / "two.mpo", SPEC)
    assert_small(found)


def test_other_files_and_images_are_taken_in_full(tmp_path: Path) -> None:
    photo = photograph(803, 803)
    photo.save(tmp_path / "photo.png")
    assert difference(tmp_path / "photo.png", SPEC).max() == 0
    opened = Image.open(io.BytesIO(jpeg_bytes(photo)))
    expected = pixels(save_jpeg(tmp_path / "photo.jpg", photo), replace(SPEC, jpeg_decoding="full"))
    np.testing.assert_array_equal(prepare(opened, SPEC).pixels, expected)
    assert opened.size == (803, 803)  # the caller's image stays as it is


def test_a_truncated_photograph_is_still_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(jpeg_bytes(photograph(803, 803))[:-5000])
    with pytest.raises(InputError, match=r"cut\.jpg: the image is damaged or truncated"):
        prepare_source(path, SPEC)


def test_decoders_of_libjpeg_turbo_2_and_3_give_the_same_bytes() -> None:
    """Recorded with Pillow 9.4 (libjpeg-turbo 2.1.4); 10.4, 11.3, 12.0 and 13.0 (3.2.0) give them too."""
    probe = jpeg.decoded_probe()
    sizes = [(53, 37), (7, 5), (14, 10), (27, 19)]
    assert len(probe) == sum(3 * width * height for width, height in sizes)
    assert hashlib.sha256(probe).hexdigest() == "6e436dee943b54827be9be5993c34beda54e32a3f4ed0ddae584f1e624e12a2f"
