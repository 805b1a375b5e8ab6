"""Draw the page of `edgecnn live` as it is: docs/live-page.png.

python scripts/draw_live_page.py [FILE]

A browser opens the page while a sample is watched, and asks why. Needs `edgecnn[dev]` and Debian's chromium.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgecnn.model_file.bundled import sample_images

PICTURE = Path(__file__).parents[1] / "docs" / "live-page.png"
_SAMPLE = "test-0009-sneaker.png"


def draw(browser: Any, path: Path) -> None:
    """Watch a sample, open the page in `browser`, one of playwright's, and save what it shows."""
    sample = next(one for one in sample_images() if one.name == _SAMPLE)
    watching = ("live", "fashion-mnist.activations", "--source", str(sample), "--loop", "--port", "0")
    command = [sys.executable, "-m", "edgecnn", *watching]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as server:
        try:
            link = re.search(r"http://\S+", server.stderr.readline() if server.stderr else "")
            if link is None:
                sys.exit("edgecnn live did not start")
            page = browser.new_page(viewport={"width": 1200, "height": 1450})
            page.goto(link[0])
            # The answer is steady, and every layer has come.
            page.wait_for_function("() => document.querySelector('#class').textContent === 'Sneaker'")
            page.wait_for_function(
                "() => [...document.querySelectorAll('.layer canvas')].every((one) => one.width > 9)"
            )
            page.click("#why")
            page.wait_for_selector("#because:not([hidden])")
            page.locator("#input").hover(position={"x": 150, "y": 200})
            page.screenshot(path=path)
            page.close()
        finally:
            server.terminate()


def main() -> None:
    """Draw the picture with Debian's browser."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("there is no chromium: sudo apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        draw(browser, Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
