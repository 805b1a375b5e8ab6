"""The cards of every schema version so far, as real files hold them, and what the fields of a card are."""

import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CARDS = Path(__file__).parents[1] / "model_file" / "cards"


def version_of(recorded: Path) -> int:
    """`v1-before-ranges.json` is a card of schema 1."""
    return int(recorded.stem.removeprefix("v").split("-")[0])


def fields_of(hint: Any, prefix: str = "") -> Iterator[str]:
    """All fields of a dataclass and of those in it: `input`, `input.height`, `feature_maps`, `feature_maps.name`."""
    if not dataclasses.is_dataclass(hint):
        for part in typing.get_args(hint):
            yield from fields_of(part, prefix)
        return
    for name, inner in typing.get_type_hints(hint).items():
        yield prefix + name
        yield from fields_of(inner, f"{prefix}{name}.")


def fields_in(value: object, prefix: str = "") -> Iterator[str]:
    """All fields that a card's parsed JSON has, named as `fields_of` names them."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield prefix + name
            yield from fields_in(inner, f"{prefix}{name}.")
    elif isinstance(value, list):
        for inner in value:
            yield from fields_in(inner, prefix)
