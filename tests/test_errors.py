"""What a message quotes may come from anybody's file: it is one line, and changes no terminal."""

import warnings

import pytest

from edgecnn import EdgecnnError, EdgecnnWarning, ModelFileError


@pytest.mark.parametrize("kind", [EdgecnnError, ModelFileError, EdgecnnWarning])
def test_what_is_not_printable_is_escaped(kind: type[Exception]) -> None:
    name = "a\nb\x1b[2J\x9b\u202e\udcff"
    assert str(kind(f"{name} does not read")) == r"a\nb\x1b[2J\x9b\u202e\udcff does not read"
    # What shows stays: a Mac's name for a screenshot, letters of Persian that a joiner parts, an emoji of Unicode 16.
    for name in ("Größe: „größer“", "Screenshot 9.41\u202fAM.png", "\u0645\u06cc\u200c\u062e", "\U0001fadf"):
        assert str(kind(name)) == name


def test_so_it_is_in_a_warning() -> None:
    with pytest.warns(EdgecnnWarning, match=r"^\\x1b\[2J$"):
        warnings.warn("\x1b[2J", EdgecnnWarning, stacklevel=1)
