"""What `edgecnn classify --output` and `merge` print and write."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def bulk_messages(run: Callable[..., Any], folder: Path, images: Sequence[Path]) -> dict[str, list[Any]]:
    """By the name of the schema; one of `images` is none, and `run` gives what a command prints with --json."""
    rows, part = folder / "rows.jsonl", folder / "part.csv"
    classify = ("classify", "fashion-mnist", *images)
    return {
        "classify-output": [
            run(*classify, "--output", rows, exit_code=1),
            run(*classify, "--output", part, "--shard", "1/1", exit_code=1),
        ],
        "classify-row": [json.loads(line) for line in rows.read_text().splitlines()],
        "merge": [run("merge", folder / "merged.csv", part, exit_code=1)],
    }
