"""The page in a browser: values under the pointer, pause and step, layers and filters, crop, keep."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from edgecnn.model_file.bundled import sample_images
from tests.support.browser import Open, text, wait_for
from tests.support.cameras import FakeCamera
from tests.support.live_page import SETTINGS, Page, served
from tests.support.waiting import until

from edgecnn.device.live.keeping import DEFAULT_BYTES, Keeper, KeepRule  # isort: skip
from edgecnn.device.live.steady import Steady  # isort: skip
from edgecnn.device.map_reader import MapReader  # isort: skip


def test_a_value_under_the_pointer_is_the_networks_own(live: Page, visit: Open) -> None:
    page = visit(f"http://{live.address}/")
    page.wait_for_function("() => document.querySelectorAll('.layer canvas')[1]?.width > 20")
    page.click("#pause")
    page.wait_for_timeout(300)  # what was asked for is there
    canvas = page.locator(".layer canvas").nth(1)
    canvas.focus()
    for _ in range(14 * 2 + 3):  # past the first two filters of 13 positions and their gaps
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    said = text(page, ".layer .value >> nth=1")
    filter_, x, y, real, stored = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", said)[:5]
    assert (int(filter_), int(x), int(y)) == (2, 3, 1)
    image = sample_images()[0]
    reader = MapReader(live.watcher.classifier.loaded)
    one = reader.read(live.watcher.classifier.prepare(image, crop="square").pixels, ["max_pooling2d"])["max_pooling2d"]
    assert int(stored) == one.values[1, 3, 2]
    assert float(real) == pytest.approx(one.scale * (int(stored) - one.zero), rel=1e-4)


def test_pause_holds_a_frame_step_takes_one_and_a_picture_is_saved(live: Page, visit: Open, tmp_path: Path) -> None:
    page = visit(f"http://{live.address}/")
    wait_for(page, "#status", "Frame")
    page.click("#pause")
    page.wait_for_timeout(300)
    held = text(page, "#status")
    page.wait_for_timeout(200)
    assert text(page, "#status") == held
    page.click("#step")
    page.wait_for_function("(held) => document.querySelector('#status').textContent !== held", arg=held)
    assert "Paused at frame" in text(page, "#status")
    with page.expect_download() as download:
        page.click("#save")
    download.value.save_as(tmp_path / download.value.suggested_filename)
    with Image.open(tmp_path / download.value.suggested_filename) as picture:
        assert picture.format == "PNG" and picture.height > 600
    page.click("#pause")
    wait_for(page, "#status", "^Frame")


def test_the_heading_of_a_held_frame_is_its_own_answer(visit: Open, tmp_path: Path) -> None:
    for number, image in enumerate(sample_images()):
        Image.open(image).save(tmp_path / f"{number}.png")
    settings, steady = replace(SETTINGS, fps=10), Steady(0.0, 1)  # each frame's best class is the answer
    with served(source=str(tmp_path), settings=settings, steady=steady) as live:
        page = visit(f"http://{live.address}/")
        wait_for(page, "#status", "Frame")

        def require_one_answer() -> None:
            page.wait_for_timeout(300)  # what was asked for is there
            assert text(page, "#class") == text(page, "#bars li:first-child span")

        for _ in range(4):
            page.click("#pause")
            require_one_answer()
            page.click("#step")
            require_one_answer()
            page.click("#pause")
            wait_for(page, "#status", "^Frame")
        page.click("#why")
        require_one_answer()


def test_layers_filters_and_scale_are_chosen(live: Page, visit: Open) -> None:
    page = visit(f"http://{live.address}/")
    page.wait_for_function("() => document.querySelectorAll('.layer canvas')[0]?.width > 200")
    page.uncheck("#layer-1")
    assert page.locator(".layer").count() == 3
    page.check("#layer-1")
    assert "max_pooling2d" in text(page, ".layer >> nth=1")
    page.select_option(".layer select >> nth=0", "1")
    page.fill(".layer input >> nth=0", "17")
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.querySelectorAll('.layer canvas')[0].width === 26")
    colours = (
        "[...new Set(document.querySelector('.layer canvas').getContext('2d').getImageData(0, 0, 26, 26).data)].length"
    )
    page.click("#pause")
    steady = page.evaluate(colours)
    page.select_option("#scale", "map")
    assert page.evaluate(colours) != steady  # other colours for the same values


def test_the_crop_is_dragged_and_typed(visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCamera(tmp_path, monkeypatch).install("steady")
    with served(source="camera") as live:
        page = visit(f"http://{live.address}/")
        wait_for(page, "#status", "Frame")
        box = page.locator("#picture").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 3 / 4, steps=3)
        page.mouse.up()
        assert until(lambda: isinstance(live.watcher.crop, tuple))
        assert live.watcher.crop == pytest.approx((40, 30, 40, 60), abs=1)
        page.click("#square")
        assert until(lambda: live.watcher.crop == "square")
        for name, value in zip("xywh", ("500", "0", "10", "10"), strict=True):
            page.fill(f"#crop [name={name}]", value)
        page.click("#crop button")
        wait_for(page, "#note", "the crop 500,0,10,10 lies outside the image of 160 x 120")
        page.click("#whole")
        assert until(lambda: live.watcher.crop is None) and not page.failures


def test_a_number_that_no_picture_has_is_not_taken_for_the_end_of_the_server(live: Page, visit: Open) -> None:
    page = visit(f"http://{live.address}/")
    wait_for(page, "#status", "Frame")
    page.locator("#crop [name=x]").press_sequentially("1234567")
    assert len(page.locator("#crop [name=x]").input_value()) == 6
    page.evaluate(
        """() => {
            const trouble = document.querySelector("#trouble");
            window.troubles = []; // each stays for two seconds
            new MutationObserver(() => window.troubles.push(trouble.textContent)).observe(trouble, { childList: true });
            for (const name of "xywh") document.querySelector(`#crop [name=${name}]`).value = "9999999";
        }"""
    )
    page.click("#crop button")
    page.wait_for_function("() => window.troubles.length")
    assert page.evaluate("window.troubles[0]") == "The connection was ended. This page connects again."
    wait_for(page, "#status", "^Frame")


def test_a_frame_is_kept_as_the_class_that_somebody_says(visit: Open, tmp_path: Path) -> None:
    with served(keeper=Keeper(KeepRule("chosen", tmp_path / "kept", DEFAULT_BYTES))) as live:
        page = visit(f"http://{live.address}/")
        wait_for(page, "#status", "Frame")
        page.click("#pause")
        page.wait_for_timeout(200)
        for label in ("T-shirt/top", "Bag"):
            page.select_option("#label", label=label)
            page.click("#keep")
            wait_for(page, "#note", f"kept as {label.replace('/', '-')}/")
        assert sorted(path.parent.name for path in (tmp_path / "kept").rglob("*.png")) == ["Bag", "T-shirt-top"]
        assert str(tmp_path) in text(page, "#kept")
        page.screenshot(path=tmp_path / "kept.png")


def test_more_is_lighter_in_grey_too(live: Page, visit: Open) -> None:
    page = visit(f"http://{live.address}/")
    colours = page.evaluate(
        "import('/paint.js').then(({ colour }) => [...Array(256).keys()].map((n) => colour(n / 255) >>> 0))"
    )
    light = [0.2126 * (one & 255) + 0.7152 * (one >> 8 & 255) + 0.0722 * (one >> 16 & 255) for one in colours]
    # Channels are whole numbers: from one value to the next that may cost half a step of each.
    assert all(after - before > -0.5 for before, after in pairwise(light))
    assert light[::8] == sorted(light[::8]) and len(light) == 256 and light[-1] - light[0] > 200
