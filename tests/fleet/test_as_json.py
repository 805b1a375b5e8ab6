"""A roster is a list of names, or what was printed of a fleet; anything else is refused in words."""

import json
from pathlib import Path

import pytest

from edgecnn.errors import InputError
from edgecnn.fleet.as_json import read_roster, read_totals, status_row
from edgecnn.fleet.fleet import Gathering
from tests.support.fleets import counters


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (b"b\na\nb\n", ("b", "a")),
        (b"\xef\xbb\xbf a # x\r\n\r\n#c\r\nB_1-2", ("a", "B_1-2")),
        ("a\r\nb\r\n".encode("utf-16"), ("a", "b")),
        ('{"devices": [{"device": "x"}]}'.encode("utf-16"), ("x",)),
        (b' {"devices": [{"device": "x"}, {"device": "y", "state": null}]}', ("x", "y")),
    ],
)
def test_names_are_read(text: bytes, names: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "roster").write_bytes(text)
    assert read_roster(tmp_path / "roster") == names


def test_totals_of_many_names_that_are_not_ascii_read_back(tmp_path: Path) -> None:
    labels = [f"{number:04}" + "\u4e2d" * 240 for number in range(1200)]
    row = counters([1] * len(labels), [len(labels)] + [0] * 9, labels)
    gathering = Gathering()
    gathering.add("pi", "counters", json.dumps(row, ensure_ascii=False).encode())
    status = status_row(gathering.fleet("here", 1.0, True), ())
    (tmp_path / "status.json").write_text(json.dumps(status))
    assert read_totals(tmp_path / "status.json")["pi"].labels == tuple(labels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is empty"),
        (b"# nobody\n", "is empty"),
        (b'{"devices": []}', "is empty"),
        (b"a b\n", "names 'a b', which no device can be called"),
        (b"a/b\n", "which no device can be called"),
        ("caf\u00e9".encode(), "which no device can be called"),
        (b"x" * 65, "which no device can be called"),
        (b"\x1b[31m", "names '\\x1b[31m'"),
        (b"\xff\xfe\x00", "has no names of devices"),
        (b"{", "has no names of devices"),
        (b'{"devices": 3}', "has no names of devices"),
        (b'{"devices": [{"name": "a"}]}', "has no names of devices"),
        (b'{"devices": [3]}', "has no names of devices"),
        (b'{"a":' * 100_000, "has no names of devices"),
    ],
)
def test_what_is_none_is_refused_in_words(text: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "roster").write_bytes(text)
    with pytest.raises(InputError) as raised:
        read_roster(tmp_path / "roster")
    assert words in str(raised.value) and len(str(raised.value)) < 400
