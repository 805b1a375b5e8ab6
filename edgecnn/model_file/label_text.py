"""The text of a file of labels, whatever it holds: lines, CSV or JSON."""

import codecs
import difflib
import re
import warnings
from pathlib import Path

from ..errors import EdgecnnWarning, InputError
from ..printable import composed

# str.splitlines ends a line at characters that no editor does.
_LINE_END = re.compile(r"\r\n|\r|\n")


def read_label_text(path: Path) -> str:
    """The composed text of a file of labels: UTF-8, or UTF-16 that says so, of which a warning tells.

    Raises:
        InputError: missing, or not such text.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the labels {path}: {error.strerror}; {_near(path)}") from None
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    if "\0" in text:
        raise InputError(f"{path} holds zero bytes, as UTF-16 without its mark has them; save it as UTF-8")
    if wide:
        say(f"{path} is UTF-16 text and was read as such")
    return composed(text)


def lines_of(text: str) -> list[str]:
    """The lines of a text, without the blanks around them."""
    return [line.strip() for line in _LINE_END.split(text)]


def _near(path: Path) -> str:
    """What else the file may be called, in words."""
    try:
        names = sorted(other.name for other in path.parent.iterdir())
    except OSError:
        return f"check the folder {path.parent}"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean {path.parent / near[0]}?" if near and near[0] != path.name else "check its name"


def say(message: str) -> None:
    """Warn of what was taken from such a file."""
    warnings.warn(message, EdgecnnWarning, stacklevel=4)
