"""The last step: as Pillow's own functions do it, and of a region as of an image that is no more than it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from edgecnn import InputSpec
from edgecnn.pixels.input_spec import Fit
from edgecnn.pixels.resizing import cropped, resize
from tests.support.photographs import photograph

SPEC = InputSpec(20, 28, 3, "rgb", "crop", "bicubic", (1 / 255,) * 3, (0.0,) * 3, "any")
SIZES = [(80, 57), (57, 80), (28, 20), (56, 40), (29, 20), (3, 100)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_crop_is_pillows_fit_to_the_bit(size: tuple[int, int]) -> None:
    image = photograph(*size)
    expected = ImageOps.fit(image, (28, 20), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(np.asarray(resize(image, (0, 0, *size), SPEC, 0)), np.asarray(expected))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stretch_is_pillows_resize_to_the_bit(size: tuple[int, int]) -> None:
    image = photograph(*size)
    found = resize(image, (0, 0, *size), replace(SPEC, fit="stretch"), 0)
    np.testing.assert_array_equal(np.asarray(found), np.asarray(image.resize((28, 20), Image.Resampling.BICUBIC)))


@pytest.mark.parametrize("fit", ["stretch", "crop", "pad"])
def test_a_region_is_resized_as_if_it_were_all_but_at_its_very_edge(fit: Fit) -> None:
    spec = replace(SPEC, fit=fit)
    image = photograph(81, 58)
    alone = np.asarray(resize(image.crop((0, 0, 80, 57)), (0, 0, 80, 57), spec, 7))
    found = np.asarray(resize(image, (0, 0, 80, 57), spec, 7))
    # Bicubic reaches two pixels of the input far; padding may move the edge two more into the picture.
    np.testing.assert_array_equal(found[:-2, :-4], alone[:-2, :-4])
    whole = np.asarray(resize(image, (0, 0, 81, 58), spec, 7))
    assert (found[:-2, :-4] != whole[:-2, :-4]).any()


def test_the_largest_part_of_a_ratio_is_centred() -> None:
    assert cropped((10, 20, 50, 40), 1) == (20, 20, 40, 40)
    assert cropped((10, 20, 30, 60), 1) == (10, 30, 30, 50)
    assert cropped((0, 0, 0.5, 1), 0.5) == (0, 0, 0.5, 1)
