"""A copy of the tree in which files may be changed, and its command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class TreeCopy:
    """The packages of this tree in a folder of their own.

    Attributes:
        folder: the copy.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        for name in ("edgecnn", "train", "convert", "device"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, self.folder / name, symlinks=True, ignore=ignored)

    def append(self, path: str, text: str) -> None:
        """Write `text` at the end of a file, which is made if there is none."""
        with open(self.folder / path, "a") as file:
            file.write(text)

    def insert(self, path: str, before: str, text: str) -> None:
        """Write `text` in front of the one place of a file that reads `before`."""
        whole = (self.folder / path).read_text()
        assert whole.count(before) == 1, (path, before)
        (self.folder / path).write_text(whole.replace(before, text + before))

    def run(self, *arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
        """What a command line of the copy does."""
        command = [sys.executable, "-m", "edgecnn", *map(str, arguments)]
        return subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(self.folder), **environment},
            cwd=self.folder.parent,
            capture_output=True,
            text=True,
            timeout=300,
        )
