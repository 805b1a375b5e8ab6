"""The page is one file that shows names as they are: what would be a tag or an escape sequence is text."""

import re
from html.parser import HTMLParser

from edgecnn.fleet.page import Page, Table, cell

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "style")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_hostile_names_are_text_and_nothing_comes_from_elsewhere() -> None:
    table = Table(HOSTILE, ("device", HOSTILE), [(HOSTILE, "1"), ("well", HOSTILE)], frozenset({1}))
    found = _Tags()
    found.feed(Page(HOSTILE, HOSTILE, True, (HOSTILE,), (table,)).html())
    assert "script" not in found.tags and found.addresses == [] and "\x1b" not in found.text
    assert found.text.count("<script>alert(1)</script>\"'&\\x1b[31m\\u202e") == 8
    assert {"title", "h1", "table"} <= set(found.tags)


def test_a_table_without_rows_is_left_out_and_rows_with_something_wrong_are_marked() -> None:
    tables = Table("Devices", ("device",), [("a",), ("b",)], frozenset({1})), Table("Empty", ("x",), [])
    text = Page("t", "v", False, (), tables).html()
    assert re.search(r"As of \d{4}-\d\d-\d\d \d\d:\d\d UTC\.", text)  # what is "2 s ago" in it is older by now
    assert "Empty" not in text and text.count('<tr class="bad">') == 1 and '<tr class="bad"><td>b</td>' in text


def test_a_cell_is_cut_where_that_is_seen() -> None:
    assert cell("x" * 60) == "x" * 60 and cell("x" * 61) == "x" * 59 + "…" and len(cell("é" * 10_000)) == 60
