"""Reports as one file: safe, whole by itself, small, and readable in the dark."""

import base64
import io
import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from edgecnn.figure_style import plain_style
from edgecnn.html_page import INK, Cell, image, page, picture, svg_chart, table

HOSTILE = "<script>alert(1)</script>\u202e&\"'"


def test_a_long_name_is_broken_in_a_table_and_a_short_one_is_not() -> None:
    rows = table(("class", "n" * 200), [["x" * 200, Cell("z" * 41)], ["short", "0.5"]])
    for letter, count in (("n", 200), ("x", 200), ("z", 41)):
        assert f'<span class="long">{letter * count}</span>' in rows
    assert rows.count("long") == 3 and "<td>short</td><td>0.5</td>" in rows


def test_names_are_shown_and_do_nothing() -> None:
    pixels = np.zeros((8, 8, 1), np.uint8)
    whole = page(HOSTILE, [table((HOSTILE,), [[HOSTILE, Cell(HOSTILE, filled=0.5)]]), picture([pixels], HOSTILE)])
    assert "<script" not in whole and "\u202e" not in whole
    assert whole.count("&lt;script&gt;alert(1)&lt;/script&gt;\\u202e&amp;&quot;&#x27;") == 5


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (600, 300), (1, 900)])
def test_pictures_are_small_and_keep_their_shape(size: tuple[int, int], channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, channels), dtype=np.uint8)
    data = re.search(r"base64,([^\"]+)", image(pixels))
    assert data and len(data[1]) < 14_000
    with Image.open(io.BytesIO(base64.b64decode(data[1]))) as shown:
        assert max(shown.size) == min(96, max(size))
        assert shown.width == max(1, round(size[1] * min(1, 96 / max(size))))


def test_small_pictures_keep_every_pixel() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (28, 28, 1), dtype=np.uint8)
    data = re.search(r"base64,([^\"]+)", image(pixels))
    assert data
    with Image.open(io.BytesIO(base64.b64decode(data[1]))) as shown:
        assert np.array_equal(np.asarray(shown), pixels[:, :, 0])


def test_a_chart_takes_the_colour_of_the_page() -> None:
    with plain_style():
        figure = Figure()
        figure.subplots().set_title("words", color=INK)
        drawn = svg_chart(figure, 'a "chart"')
    assert drawn.startswith("<svg") and INK not in drawn and "currentColor" in drawn
    assert "a &quot;chart&quot;" in drawn and "<metadata" not in drawn
