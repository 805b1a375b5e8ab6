"""The page of files without a card: of few and of many classes, and of maps that are too large.

Apart from the other pages: a warning is expected here, and who decodes in another thread keeps warnings away meanwhile.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edgecnn import EdgecnnWarning
from tests.support.browser import Open, wait_for
from tests.support.live_page import Page, served
from tests.support.tflite_files import converted


@contextmanager
def served_bare(path: Path) -> Iterator[Page]:
    """A file without a card, which is said when it is opened."""
    with ExitStack() as live:
        with pytest.warns(EdgecnnWarning, match="carries no card"):
            page = live.enter_context(served(str(path)))
        yield page


@pytest.mark.parametrize("classes", [2, 1000])
def test_two_classes_and_a_thousand(classes: int, visit: Open, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((8, 8, 3))
    scores = keras.layers.Dense(classes, activation="softmax")(keras.layers.GlobalAveragePooling2D()(image))
    (tmp_path / "bare.tflite").write_bytes(converted(keras.Model(image, scores)))
    with served_bare(tmp_path / "bare.tflite") as live:
        page = visit(f"http://{live.address}/", 390)
        wait_for(page, "#status", "Frame")
        assert page.locator("#bars li").count() == min(classes, 5)
        assert page.locator("#label option").count() == classes
        assert page.evaluate("document.documentElement.scrollWidth") <= 390 and not page.failures
        page.screenshot(path=tmp_path / f"classes-{classes}.png")


def test_of_a_large_network_some_maps_are_shown_and_it_says_which_are_not(visit: Open, tmp_path: Path) -> None:
    keras = pytest.importorskip("keras", reason="boards have no TensorFlow")
    image = keras.Input((56, 56, 3))
    maps = [keras.layers.Conv2D(80, 3, padding="same", activation="relu", name=f"wide{n}")(image) for n in range(4)]
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Add()(maps))
    scores = keras.layers.Dense(2, activation="softmax")(pooled)
    (tmp_path / "large.tflite").write_bytes(converted(keras.Model(image, [scores, *maps])))
    with served_bare(tmp_path / "large.tflite") as live:
        page = visit(f"http://{live.address}/")
        wait_for(page, "#status", "Frame")
        assert page.locator("#layers input:checked").count() < 4 == page.locator("#layers input").count()
        for box in page.locator("#layers input").all():
            box.check()
        wait_for(
            page,
            "#budget",
            "Too much for one frame: .*, .* could not be shown, or not wholly. Choose fewer layers or filters",
        )
        page.screenshot(path=tmp_path / "large.png", full_page=True)
        assert not page.failures
