"""What tests of a page read in a browser, and wait for."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.waiting import PATIENCE

api = pytest.importorskip("playwright.sync_api", reason="a browser needs playwright")

Open = Callable[..., Any]
CANVASES = "...document.querySelectorAll('.layer canvas')"


def text(page: Any, selector: str) -> str:
    return str(page.locator(selector).inner_text())


def wait_for(page: Any, selector: str, words: str) -> None:
    api.expect(page.locator(selector)).to_contain_text(re.compile(words), timeout=1000 * PATIENCE)
