"""The page in a browser: why the network says so, while the frame stands still and others go on looking."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.device import Classifier, explain
from edgecnn.model_file.bundled import sample_images
from tests.support.browser import Open, text, wait_for
from tests.support.live_page import Page
from tests.support.waiting import until

LUMINANCES = """() => {
  const canvas = document.querySelector('#input'), count = canvas.width * canvas.height;
  const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  const light = (red, green, blue) => .2126 * red + .7152 * green + .0722 * blue;
  return [...Array(count).keys()].map((i) => light(...data.subarray(4 * i, 4 * i + 3)));
}"""


def opened(live: Page, visit: Open) -> Any:
    page = visit(f"http://{live.address}/")
    wait_for(page, "#status", "^Frame")
    return page


def best_class() -> str:
    """How the page words what the model says of the first sample, as a regular expression."""
    best = Classifier("fashion-mnist.activations").classify(sample_images()[0])[0]
    assert best.label == "Ankle boot"
    return re.escape(f"{best.label}, {100 * best.score:.1f} %")


def test_why_is_shown_over_the_input_with_its_scores_in_words(live: Page, visit: Open, tmp_path: Path) -> None:
    page = opened(live, visit)
    plain = page.evaluate(LUMINANCES)
    page.click("#why")
    wait_for(page, "#why-said", rf"Why {best_class()}: occlusion, \d+ runs of the network")
    classifier = Classifier("fashion-mnist.activations")
    there = explain(classifier, classifier.prepare(sample_images()[0], crop="square").pixels)
    black = next(score for score in there.scores if (score.ranking, score.fill) == ("explanation", "black"))
    first, second, *doubts = page.locator("#scores li").all_inner_texts()
    assert first.startswith(
        f"With black in place of pixels: insertion {black.insertion:.2f}, deletion {black.deletion:.2f}, gain "
    )
    assert "brightness alone" in first and "chance" in first and "With blurred in place" in second
    assert doubts == [f"Doubt it: {doubt}." for doubt in there.doubts]
    assert text(page, "#status").startswith("Paused at frame") and page.evaluate(LUMINANCES) != plain
    page.evaluate("document.querySelector('#input').scrollIntoView({block: 'center'})")
    page.locator("#input").hover(position={"x": 1, "y": 1})
    corner = float(re.findall(r"heat (\S+)", text(page, "#input-value"))[0])
    assert corner == pytest.approx(float(there.heat_map[0, 0]), rel=5e-3, abs=1e-9)
    page.screenshot(path=tmp_path / "why-1200.png", full_page=True)
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / "saved.png")
    page.set_viewport_size({"width": 390, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390 and not page.failures
    page.screenshot(path=tmp_path / "why-390.png", full_page=True)


def test_by_keyboard_of_another_class_and_escape_goes_back_to_live(live: Page, visit: Open) -> None:
    page, other = opened(live, visit), opened(live, visit)
    page.select_option("#method", "rise")
    assert text(page, "#method option:checked") == "rise" and "slow and smooth" in text(page, "#method-summary")
    page.select_option("#target", label="Sneaker")
    page.focus("#why")
    page.keyboard.press("Enter")
    wait_for(page, "#why-said", f"Why Sneaker, .*The best class is {best_class()}")
    page.focus("#cover")
    page.keyboard.press("End")
    classifier = Classifier("fashion-mnist.activations")
    pixels = classifier.prepare(sample_images()[0], crop="square").pixels
    heat = explain(classifier, pixels, "Sneaker", method="rise").heat_map.ravel()
    light = np.array(page.evaluate(LUMINANCES))
    assert abs(np.diff(light[np.argsort(heat)])).max() < 12  # in grey it rises with the heat, evenly
    assert light[heat.argmax()] > 240 and light[heat.argmin()] < 5
    before = text(other, "#status")
    assert until(lambda: text(other, "#status") != before)  # others go on
    page.keyboard.press("Escape")
    wait_for(page, "#status", "^Frame")
    assert page.locator("#because").is_hidden() and page.locator("#live").is_hidden()
    assert text(page, "#why-said") == "" and not page.failures + other.failures


def test_escape_cancels_and_pause_and_step_end_it_too(live: Page, visit: Open, tmp_path: Path) -> None:
    page, reasons = opened(live, visit), live.server.hub.reasons
    page.click("#why")
    wait_for(page, "#why-said", "Why Ankle boot")
    page.click("#step")
    wait_for(page, "#status", "Paused at frame")
    assert page.locator("#because").is_hidden()
    with reasons._own.session.lock:  # it comes no further than to its first run
        page.click("#why")
        assert until(lambda: reasons.is_busy)
        assert page.locator("#progress").is_visible() and page.locator("#why").is_disabled()
        page.screenshot(path=tmp_path / "explaining.png")
        page.keyboard.press("Escape")
        assert until(lambda: not reasons.is_busy)
        wait_for(page, "#status", "^Frame")
    assert page.locator("#progress").is_hidden() and page.locator("#why").is_enabled() and not page.failures
