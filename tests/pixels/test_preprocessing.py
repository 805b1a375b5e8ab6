"""The one preprocessing: polarity, fit, arrays, and what it refuses."""

import io
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from edgecnn import InputError, InputSpec
from edgecnn.pixels.dataset import Dataset
from edgecnn.pixels.input_spec import Fit
from edgecnn.pixels.preprocessing import check_pixels, prepare, prepare_array, prepare_source
from tests.support.picture_files import encoded


def shoe_on_white() -> Image.Image:
    image = Image.new("L", (60, 60), 255)
    image.paste(40, (15, 20, 45, 40))
    return image


def test_light_border_suggests_inversion_but_does_not_invert(spec: InputSpec) -> None:
    prepared = prepare(shoe_on_white(), spec)
    assert "--invert yes" in prepared.note
    assert not prepared.inverted
    assert prepared.pixels[0, 0, 0] == 255


@pytest.mark.parametrize("invert", ["yes", "auto"])
def test_inversion_swaps_light_and_dark(spec: InputSpec, invert: str) -> None:
    prepared = prepare(shoe_on_white(), spec, "yes" if invert == "yes" else "auto")
    assert prepared.inverted and not prepared.note
    assert prepared.pixels[0, 0, 0] == 0 and prepared.pixels[14, 14, 0] == 215


def test_auto_leaves_a_dark_background_alone(spec: InputSpec, fashion: Dataset) -> None:
    flagged = [prepare_array(image, spec, "auto").inverted for image in fashion.test.images[:500]]
    assert not any(flagged)


def test_what_is_transparent_is_background_also_after_inversion(spec: InputSpec) -> None:
    image = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    assert prepare(image, spec, "yes").pixels.max() == 0


def test_a_light_card_pads_with_white(spec: InputSpec) -> None:
    pixels = prepare(Image.new("L", (10, 40), 9), replace(spec, background="light")).pixels
    assert pixels[14, 0, 0] == 255 and pixels[14, 14, 0] == 9


@pytest.mark.parametrize("fit", ["stretch", "pad", "crop"])
@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (28, 28), (27, 29), (300, 200)])
def test_any_size_fits_in_any_way(spec: InputSpec, fit: Fit, size: tuple[int, int]) -> None:
    assert prepare(Image.new("L", size, 200), replace(spec, fit=fit)).pixels.shape == (28, 28, 1)


@pytest.mark.parametrize("size", [((1 << 20) + 1, 1), (1, (1 << 20) + 1), (1 << 20, 2), (350_000, 3)])
def test_a_long_strip_has_a_rim_too(spec: InputSpec, size: tuple[int, int]) -> None:
    prepared = prepare(Image.new("L", size, 200), spec)
    assert prepared.border == 200 and prepared.pixels.max() == 200


def test_crop_keeps_the_centre(spec: InputSpec) -> None:
    image = Image.new("L", (84, 28), 0)
    image.paste(255, (28, 0, 56, 28))
    assert prepare(image, replace(spec, fit="crop")).pixels.min() == 255


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (50, 40), (50, 40, 3)])
def test_uint8_arrays_are_taken(spec: InputSpec, shape: tuple[int, ...]) -> None:
    assert prepare_array(np.zeros(shape, np.uint8), spec).pixels.shape == (28, 28, 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((28, 28), np.float32), "must be uint8 .* dtype=float32"),
        (np.zeros((28, 28), np.int64), "must be uint8"),
        (np.zeros((28,), np.uint8), r"shape=\(28,\)"),
        (np.zeros((2, 28, 28, 1), np.uint8), "one image at a time"),
        (np.zeros((28, 28, 2), np.uint8), "shape"),
        (np.zeros((0, 28), np.uint8), "shape"),
    ],
)
def test_arrays_that_would_have_to_be_guessed_at_are_refused(
    spec: InputSpec, array: npt.NDArray[np.generic], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        prepare_array(array, spec)


def test_premultiplied_and_empty_images_are_an_answer_or_a_sentence(spec: InputSpec) -> None:
    assert prepare(Image.new("La", (30, 30)), spec).pixels.max() == 0
    with pytest.raises(InputError, match="no pixels"):
        prepare(Image.new("L", (0, 5)), spec)


def test_truncated_pillow_image_is_a_sentence(spec: InputSpec) -> None:
    whole = encoded(Image.linear_gradient("L"), "JPEG")
    with pytest.raises(InputError, match="damaged or truncated"):
        prepare(Image.open(io.BytesIO(whole[:-200])), spec)


@pytest.mark.parametrize("source", [None, b"bytes", ["a.png"], 3])
def test_what_is_no_image_is_refused(spec: InputSpec, source: object) -> None:
    with pytest.raises(InputError, match="must be a path, a Pillow image or a uint8 array"):
        prepare_source(source, spec)  # type: ignore[arg-type]


def test_floating_point_images_are_refused(spec: InputSpec) -> None:
    with pytest.raises(InputError, match="no agreed range"):
        prepare(Image.new("F", (28, 28)), spec)


def test_prepared_pixels_are_taken_one_by_one_and_together(spec: InputSpec) -> None:
    check_pixels(np.zeros((28, 28, 1), np.uint8), spec)
    check_pixels(np.zeros((0, 28, 28, 1), np.uint8), spec, many=True)


@pytest.mark.parametrize(
    ("pixels", "many", "message"),
    [
        (np.zeros((28, 28), np.uint8), False, r"of shape \(28, 28, 1\)\. Received: uint8 of shape \(28, 28\)"),
        (np.zeros((28, 28, 1), np.float32), False, r"must be uint8 .* Received: float32"),
        (np.zeros((2, 28, 28, 1), np.uint8), False, r"Received: uint8 of shape \(2, 28, 28, 1\)"),
        (np.zeros((28, 28, 1), np.uint8), True, r"of shape \('count', 28, 28, 1\)"),
        ([[1, 2], [3, 4]], False, r"Received: int(32|64) of shape \(2, 2\); use prepare\(\)"),
    ],
)
def test_pixels_that_are_not_prepared_are_refused(
    pixels: npt.ArrayLike, many: bool, message: str, spec: InputSpec
) -> None:
    with pytest.raises(InputError, match=message):
        check_pixels(pixels, spec, many)
