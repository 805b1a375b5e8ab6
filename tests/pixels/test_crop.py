"""What a crop leaves out is as if it had never been there, whatever the file is like."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from edgecnn import InputError, InputSpec
from edgecnn.pixels.crop import Crop, CropBox, parse_crop, region_of
from edgecnn.pixels.image_files import EncodedImage
from edgecnn.pixels.preprocessing import prepare, prepare_source
from tests.support.cameras import garment

GRAY = InputSpec(28, 28, 1, "grayscale", "stretch", "bilinear", (1 / 255,), (0.0,), "dark")
RGB = InputSpec(24, 32, 3, "rgb", "pad", "lanczos", (1.0,) * 3, (0.0,) * 3, "any")


def noise(size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("spec", [GRAY, RGB])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA", "1", "CMYK"])
@pytest.mark.parametrize("crop", ["square", (10, 5, 40, 33), (0, 0, 91, 60)])
def test_it_is_as_if_the_image_had_been_cut_out_before(spec: InputSpec, mode: str, crop: Crop) -> None:
    image = noise((91, 60), mode)
    left, top, width, height = (15, 0, 60, 60) if crop == "square" else crop
    cut = image.crop((left, top, left + width, top + height))
    prepared = prepare(image, spec, crop=crop)
    assert np.array_equal(prepared.pixels, prepare(cut, spec).pixels)
    assert (prepared.crop, prepared.width, prepared.height) == ((left, top, width, height), 91, 60)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_its_pixels_are_those_of_the_upright_image(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    noise((90, 60)).save(buffer, "PNG", exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(buffer.getvalue())))
    assert upright is not None
    found = prepare_source(EncodedImage(buffer.getvalue()), RGB, crop=(5, 20, 50, 31))
    assert np.array_equal(found.pixels, prepare(upright.crop((5, 20, 55, 51)), RGB).pixels)
    assert (found.width, found.height) == upright.size


def smooth(size: tuple[int, int]) -> Image.Image:
    return noise((9, 7)).resize(size, Image.Resampling.BICUBIC)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize(("size", "box"), [((1601, 1203), (301, 203, 800, 777)), ((1603, 1199), (0, 0, 300, 100))])
def test_of_a_large_jpeg_it_is_the_same_region_decoded_reduced_or_in_full(
    orientation: int, size: tuple[int, int], box: CropBox, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    smooth(size).save(tmp_path / "large.jpg", quality=95, exif=exif)
    full = InputSpec(28, 28, 3, "rgb", "stretch", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
    reduced = InputSpec(28, 28, 3, "rgb", "stretch", "bilinear", (1.0,) * 3, (0.0,) * 3, "any", "reduced")
    one, other = (prepare_source(tmp_path / "large.jpg", spec, crop=box) for spec in (full, reduced))
    assert (one.crop, one.width, one.height) == (other.crop, other.width, other.height)
    # A region that were off by one pixel of the input would differ by tens at the edges of this picture.
    assert np.abs(one.pixels.astype(int) - other.pixels).max() <= 4


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
def test_a_square_into_a_square_fits_without_bars_or_squeezing(fit: str) -> None:
    spec = InputSpec(28, 28, 1, "grayscale", fit, "box", (1.0,), (0.0,), "dark")  # type: ignore[arg-type]
    image = Image.new("L", (160, 120), 0)
    image.paste(200, (20, 0, 140, 120))
    assert set(prepare(image, spec, crop="square").pixels.ravel()) == {200}


@pytest.mark.parametrize(
    ("crop", "clipped"), [((600, 400, 100, 100), (600, 400, 40, 80)), ((0, 0, 9999, 480), (0, 0, 640, 480))]
)
def test_one_that_reaches_beyond_is_clipped_and_it_is_said(crop: CropBox, clipped: CropBox) -> None:
    region, sentence = region_of(crop, 640, 480)
    assert region == clipped and "640 x 480: clipped to " + ",".join(map(str, clipped)) in sentence
    assert "clipped to" in prepare(noise((640, 480)), RGB, crop=crop).note


def test_one_inside_is_taken_without_a_word() -> None:
    assert region_of((0, 0, 640, 480), 640, 480) == ((0, 0, 640, 480), "")
    assert region_of("square", 480, 641) == ((0, 80, 480, 480), "")


@pytest.mark.parametrize(
    "crop", [(640, 0, 10, 10), (0, 480, 1, 1), (-1, 0, 10, 10), (0, 0, 0, 10), (0, 0, 9), (0.5, 0, 9, 9), "sqare"]
)
def test_one_outside_or_empty_or_none_at_all_is_refused(crop: Any) -> None:
    with pytest.raises(InputError, match="crop"):
        prepare(noise((640, 480)), RGB, crop=crop)


def test_the_file_is_named_whose_crop_is_outside(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(garment())
    reduced = InputSpec(28, 28, 3, "rgb", "stretch", "bilinear", (1.0,) * 3, (0.0,) * 3, "any", "reduced")
    with pytest.raises(InputError, match=r"a\.jpg: the crop 900,0,5,5 lies outside the image of 160 x 120"):
        prepare_source(tmp_path / "a.jpg", reduced, crop=(900, 0, 5, 5))


@pytest.mark.parametrize(("text", "crop"), [("1,2,3,4", (1, 2, 3, 4)), (" 0, 0 ,640,480 ", (0, 0, 640, 480))])
def test_what_an_option_says_is_read(text: str, crop: CropBox) -> None:
    assert parse_crop(text) == crop


@pytest.mark.parametrize("text", ["", "square", "1,2,3", "1,2,3,4,5", "-1,0,5,5", "1.5,0,5,5", "0,0,0,5", "0,0,5,1e9"])
def test_what_is_no_crop_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(InputError, match=r"X,Y,W,H|empty"):
        parse_crop(text)
