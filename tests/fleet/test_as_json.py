"""A roster is a list of names, or what was printed of a fleet; anything else is refused in words."""

from pathlib import Path

import pytest

from edgecnn.errors import InputError
from edgecnn.fleet.as_json import read_roster


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
