"""Text for terminals and tables: names of files and labels may hold line ends, escape sequences and turned writing."""

import json
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


# What joins or parts letters within a word of Persian and of Indian languages, and makes one emoji of several.
_JOINERS = "\u200c\u200d"


@lru_cache(maxsize=1000)
def _escaped(character: str) -> str:
    # Spaces of any width are none of the printable, but do no harm: telephones and Macs put them into names.
    import unicodedata  # most texts need it not

    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs":
        return character
    return character.encode("unicode_escape").decode()


def printable_json(value: Any, *, indent: int | None = None, only_ascii: bool = False) -> str:
    """The value in JSON, in which every character shows; it reads back as it was."""
    text = json.dumps(value, indent=indent, ensure_ascii=only_ascii)
    return "\n".join(line if line.isprintable() else "".join(map(_escaped_in_json, line)) for line in text.split("\n"))


def _escaped_in_json(character: str) -> str:
    # JSON knows \u alone, and what is beyond it as a pair.
    return character if _escaped(character) == character else json.dumps(character)[1:-1]
