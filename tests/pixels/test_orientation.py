"""A region goes where its pixels go when an image is turned."""

import numpy as np
import pytest
from PIL import Image

from edgecnn.pixels.orientation import swaps_axes, turned_box


@pytest.mark.parametrize("turn", list(Image.Transpose), ids=lambda turn: turn.name)
def test_a_box_is_turned_as_the_pixels_in_it_are(turn: Image.Transpose) -> None:
    left, top, right, bottom = box = (2, 1, 9, 4)
    marked = np.zeros((6, 11), np.uint8)
    marked[top:bottom, left:right] = 255
    turned = np.asarray(Image.fromarray(marked).transpose(turn))
    rows, columns = np.nonzero(turned)
    expected = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    assert turned_box(box, 11, 6, turn) == expected


@pytest.mark.parametrize("turn", [None, *Image.Transpose])
def test_width_becomes_height_where_the_image_says_so(turn: Image.Transpose | None) -> None:
    image = Image.new("L", (5, 3))
    assert swaps_axes(turn) == (turn is not None and image.transpose(turn).size == (3, 5))
