"""The page in a browser: every state, at a desk and on a telephone, and what other pages may not do."""

import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edgecnn.device.live.sources.source import SourceSettings
from tests.support.browser import CANVASES, Open, text, wait_for
from tests.support.cameras import FakeCamera
from tests.support.live_page import Page, served

from edgecnn.device.live.server.guard import Admission  # isort: skip - after what skips without the extra


@pytest.mark.parametrize("width", [1200, 390])
def test_class_camera_input_and_maps_are_shown(width: int, live: Page, visit: Open, tmp_path: Path) -> None:
    page = visit(f"http://{live.address}/", width)
    wait_for(page, "#status", r"Frame \d+, \d+ frames/s, \d+ ms old, \d+ dropped")
    page.wait_for_function(f"() => [{CANVASES}].filter((one) => one.width > 20).length === 4")
    wait_for(page, "#class", "Ankle boot")
    assert page.locator("#bars li").count() == 5
    assert page.locator("#class").get_attribute("aria-live") == "polite"
    assert page.evaluate("document.querySelector('#input').width") == 28
    assert page.evaluate("document.documentElement.scrollWidth") <= width  # nothing is cut off
    page.screenshot(path=tmp_path / f"page-{width}.png", full_page=True)
    assert text(page, "#kept") == "Nothing is stored." and not page.failures


def test_no_frame_yet_then_a_lost_camera_then_a_server_that_is_gone_and_back(
    visit: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("hangs:0 dies:9 hangs:0")
    with served(source="camera", settings=SourceSettings(fps=20, timeout=3, retry=0.1)) as live:
        port = live.port
        page = visit(f"http://{live.address}/")
        wait_for(page, "#status", "No frame yet from .*waiting")
        page.screenshot(path=tmp_path / "no-frame.png")
        wait_for(page, "#status", "Frame")
        wait_for(page, "#trouble", "opening it again")
        assert text(page, "#class") == "unknown" and text(page, "#status") == "No frames now; the last was frame 9"
        page.screenshot(path=tmp_path / "lost.png")
        page.click("#why")  # of the last frame that there was
        wait_for(page, "#why-said", "Why .*: occlusion")
    wait_for(page, "#trouble", "edgecnn live has ended. This page goes on when it is started again")
    wait_for(page, "#trouble", "The server is gone. This page tries again")
    assert text(page, "#class") == "unknown"
    assert page.locator("#because").is_visible()  # what was explained can still be read
    for _ in range(3):  # nobody hears that, and later nothing is the worse for it
        page.click("#step")
    page.click("#square")
    wait_for(page, "#note", "There is no connection: nothing was done")
    page.click("#why")
    wait_for(page, "#why-said", "No explanation: there is no connection")
    page.screenshot(path=tmp_path / "gone.png")
    with served(port=port):
        page.wait_for_selector("#trouble", state="hidden")
        wait_for(page, "#status", "Paused at frame 9")
        page.click("#why")
        wait_for(page, "#why-said", "No explanation: frame 9 is gone; of those that were sent")
        page.keyboard.press("Escape")
        wait_for(page, "#status", "^Frame")
        assert page.locator("#because").is_hidden() and not page.failures


def test_the_link_opens_the_page_and_a_wrong_token_says_what_to_do(visit: Open, tmp_path: Path) -> None:
    with served(admission=Admission("127.0.0.1", token="d" * 22)) as live:
        assert "Open the link that edgecnn live printed" in text(visit(f"http://{live.address}/?token=wrong"), "body")
        page = visit(f"http://{live.address}/?token={'d' * 22}")
        wait_for(page, "#status", "Frame")
        assert page.url == f"http://{live.address}/" and page.evaluate("document.cookie") == ""
        port = live.port
    with served(admission=Admission("127.0.0.1", token="e" * 22), port=port):
        wait_for(page, "#trouble", "token of this page is no longer right")
        page.screenshot(path=tmp_path / "token.png")


def test_a_plain_model_says_which_file_has_maps(visit: Open, tmp_path: Path) -> None:
    with served("fashion-mnist") as live:
        page = visit(f"http://{live.address}/", 390)
        wait_for(page, "#status", "Frame")
        wait_for(page, "#advice", r"edgecnn live fashion-mnist\.activations")
        assert page.locator("#choices").is_hidden() and not page.failures
        page.screenshot(path=tmp_path / "plain.png", full_page=True)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_a_page_on_another_port_of_the_same_machine_reads_nothing(live: Page, visit: Open, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<title>thief</title>")
    other = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=os.fspath(tmp_path)))
    thread = threading.Thread(target=other.serve_forever, daemon=True)
    thread.start()
    try:
        page = visit(f"http://127.0.0.1:{other.server_port}/")
        stolen = page.evaluate(
            """async (address) => {
              const socket = await new Promise((done) => {
                const one = new WebSocket(`ws://${address}/api/frames`);
                [one.onopen, one.onclose] = [() => done("open"), (event) => done(event.code)];
              });
              const fetched = await fetch(`http://${address}/api/state`).then((one) => one.text(), () => "refused");
              const image = await new Promise((done) => {
                const one = new Image();
                [one.onload, one.onerror] = [() => done("seen"), () => done("refused")];
                one.src = `http://${address}/api/frame.jpg`;
              });
              return { socket, fetched, image };
            }""",
            live.address,
        )
        assert stolen == {"socket": 1006, "fetched": "refused", "image": "refused"}
    finally:
        other.shutdown()
        other.server_close()
        thread.join(5)
    assert json.loads(live.get("/api/state")[2])["status"]["running"]
