"""Whatever stands in a name, it is shown in one line, and reads back from JSON as it was."""

import json
import unicodedata

import pytest

from edgecnn.printable import printable, printable_json

HOSTILE = {
    "line end": ("a\nb\r", r"a\nb\r"),
    "terminal": ("\x1b[2J\x1b]0;owned\x07", r"\x1b[2J\x1b]0;owned\x07"),
    "C1": ("\x9b31m", r"\x9b31m"),
    "turned": ("photo\u202egnp.exe", r"photo\u202egnp.exe"),
    "isolate": ("\u2066x\u2069", r"\u2066x\u2069"),
    "paragraph": ("a\u2028b\u2029c\x85", r"a\u2028b\u2029c\x85"),
    "no text": ("\udcff.png", r"\udcff.png"),
    "invisible": ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
    "tag": ("\U000e0041", r"\U000e0041"),
    "nul": ("\0", r"\x00"),
}
NEWER_THAN_PYTHON = "\U0001fadf"  # an emoji of Unicode 16
HARMLESS = (
    "Müller “naïve” 日本語 🥾",
    "Screenshot 9.41\u202fAM",
    "a\xa0b",
    "עברית",
    "C:\\photos",
    NEWER_THAN_PYTHON,
    "",
)


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_does_not_show_is_escaped(kind: str) -> None:
    text, shown = HOSTILE[kind]
    assert printable(text) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_shows_stays(text: str) -> None:
    assert printable(text) == text
    assert printable_json(text) == json.dumps(text, ensure_ascii=False)


@pytest.mark.parametrize("only_ascii", [False, True])
@pytest.mark.parametrize("text", [*(text for text, _ in HOSTILE.values()), *HARMLESS])
def test_json_reads_back_and_holds_nothing_that_does_not_show(text: str, only_ascii: bool) -> None:
    value = {text: [text, 1.5, None]}
    written = printable_json(value, indent=2, only_ascii=only_ascii)
    assert json.loads(written) == value
    assert {unicodedata.category(character) for character in written.replace("\n", "")} <= {
        "Lu", "Ll", "Lo", "Nd", "Pd", "Ps", "Pe", "Po", "Pi", "Pf", "Sc", "Sk", "Sm", "So", "Zs", "Mn", "Cn",
    }  # fmt: skip
    assert written.count("\n") == json.dumps(value, indent=2).count("\n")
