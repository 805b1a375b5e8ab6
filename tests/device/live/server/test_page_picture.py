"""docs/live-page.png is what a browser shows."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scripts.draw_live_page import PICTURE, draw


def seen(path: Path) -> tuple[tuple[int, int], Any]:
    """Width and height, and a small grey picture."""
    with Image.open(path) as image:
        return image.size, np.asarray(image.convert("L").resize((150, 180)), np.float32)


def test_the_picture_of_the_page_is_as_the_script_draws_it(browser: Any, tmp_path: Path) -> None:
    draw(browser, tmp_path / "page.png")
    (size, there), (same_size, here) = seen(PICTURE), seen(tmp_path / "page.png")
    assert size == same_size
    # Other fonts move lines a little. Another shoe makes 3.9, the same page drawn twice 0.001.
    assert np.abs(there - here).mean() < 3
