"""Text for terminals and tables: names of files and labels may hold line ends, escape sequences and turned writing."""

import sys
from functools import lru_cache
from typing import Any


def printable(text: str) -> str:
    r"""The text in one line, in which every character shows: others stand there escaped, such as `\n` or `\u202e`."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def is_printable(text: str) -> bool:
    """Whether `printable` shows the text as it is: what names of classes must be."""
    return printable(text) == text


def composed(name: str) -> str:
    """A class's name with each letter and its accents as one character (Unicode's NFC), as most systems write them.

    Folders that come from a Mac have them apart: the same name to the eye, another one to `==`.
    """
    if name.isascii():
        return name
    import unicodedata  # most texts need it not

    return unicodedata.normalize("NFC", name)


# Unicode categories of what does not show: controls, what steers writing, halves of pairs, private ones, ends of lines.
# Spaces of any width do no harm: telephones and Macs put them into names. Nor does what is not assigned yet:
# Python's versions know newer letters and emoji or do not, and a name must be one on all of them.
_HIDDEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
# What joins or parts letters within a word of Persian and of Indian languages, and makes one emoji of several.
_JOINERS = "\u200c\u200d"


@lru_cache(maxsize=1000)
def _escaped(character: str) -> str:
    import unicodedata  # most texts need it not

    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode()


def printable_json(value: Any, *, indent: int | None = None, only_ascii: bool = False) -> str:
    """The value in JSON, in which every character shows; it reads back as it was."""
    import json  # errors need it not

    text = json.dumps(value, indent=indent, ensure_ascii=only_ascii)
    return "\n".join(line if line.isprintable() else "".join(map(_escaped_in_json, line)) for line in text.split("\n"))


def _escaped_in_json(character: str) -> str:
    # JSON knows \u alone, and what is beyond it as a pair.
    import json

    return character if _escaped(character) == character else json.dumps(character)[1:-1]


def _escape_lines() -> None:
    for line in iter(lambda: sys.stdin.buffer.readline(1 << 16), b""):
        print(printable(line.decode(errors="replace").rstrip("\n")), file=sys.stderr, flush=True)


if __name__ == "__main__":  # the process of `edgecnn.native_output.escape_native_output`
    _escape_lines()
