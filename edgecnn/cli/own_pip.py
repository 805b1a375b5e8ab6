"""The pip of the environment that edgecnn runs in, which need not be the one that a shell finds."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

_LINE = re.compile(r"(?<!training box: )\bpip install\b")  # one for another computer stays as it is


def name_own_pip(text: str) -> str:
    """`text`, where it says `pip install`, with the path of this environment's pip if a shell would take another.

    Debian's own pip refuses to install anything, and every other one installs where this edgecnn does not look.
    """
    return _LINE.sub(lambda _: f"{_own_pip()} install", text)


def _own_pip() -> str:
    own, found = Path(sys.executable).with_name("pip"), shutil.which("pip")
    if sys.prefix == sys.base_prefix or not own.is_file() or (found and Path(found).parent.samefile(own.parent)):
        return "pip"
    try:
        near = os.path.relpath(own)
    except FileNotFoundError:  # the working folder is gone
        near = os.pardir
    return shlex.quote(str(own) if near.startswith(os.pardir) else near)
