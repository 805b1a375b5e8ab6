"""What a kill would leave of a folder at each moment at which one of its files changes."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# The digest of each file that can be seen, by name.
Files = dict[str, str]


def read_files(folder: Path) -> Files:
    """What stands in `folder` now; what is hidden has no reader."""
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def watch(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Files]:
    """A list that grows by what stands in `folder` after each file that takes a place or is removed."""
    seen: list[Files] = []

    def looking_after(do: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*paths: Any, **options: Any) -> None:
            do(*paths, **options)
            seen.append(read_files(folder))

        return wrapped

    monkeypatch.setattr(os, "replace", looking_after(os.replace))
    monkeypatch.setattr(Path, "unlink", looking_after(Path.unlink))
    return seen


def require_one_set(before: Files, seen: list[Files], names: set[str]) -> None:
    """Make sure that of `names` no file of before stood beside one of now at any moment."""
    for moment in seen:
        ages = {moment[name] == before.get(name) for name in names & moment.keys()}
        assert len(ages) < 2, f"of two sets: {sorted(names & moment.keys())}"
