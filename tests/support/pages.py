"""What stands on a page in blocks of code."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path


def blocks(page: Path, *languages: str) -> list[str]:
    """The blocks of a page that are marked as one of these languages."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [body for language, body in found if language in languages]


def lines(page: Path, *languages: str) -> Iterator[list[str]]:
    """The words of each command line, without comments, without the folder of a program."""
    for block in blocks(page, *languages):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words:
                yield [re.sub(r"^[\w.]+/bin/", "", words[0]), *words[1:]]
