"""A browser for the tests of the page."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edgecnn.model_file.bundled import sample_images
from tests.support.waiting import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="a browser needs playwright")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with api.sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield one
        one.close()


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address in a page of its own, that fails the test if its script does."""
    with contextlib.ExitStack() as opened:

        def open_page(address: str, width: int = 1200) -> Any:
            context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
            opened.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(1000 * PATIENCE)
            page.failures = []
            page.on("pageerror", lambda error: page.failures.append(str(error)))
            page.goto(address)
            return page

        yield open_page


@pytest.fixture(scope="module")
def live() -> Iterator[Any]:
    """One boot, again and again."""
    from tests.support.live_page import served

    with served(source=str(sample_images()[0])) as page:
        yield page
