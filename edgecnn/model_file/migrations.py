"""Cards of other schema versions: an older one is brought up to date, a newer one is refused with the way out.

To add a field to the card, raise `SCHEMA_VERSION` in card.py and add here the function that makes of a card of the
version before one of the new version; docs/how-to/extend.md has the steps.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import ModelFileError
from ..optional_packages import version_of

Fields = dict[str, Any]

# By version n, what makes of the parsed JSON of a card of schema n that of schema n + 1. It changes the dictionary that
# it is given or returns another one, and may rely on nothing: the card is validated after the last step.
# Version 1 had fewer fields while it grew (no `ranges`, no `training.train_images`): those have defaults.
MIGRATIONS: dict[int, Callable[[Fields], Fields]] = {}
# By version, the fields that no card of a version before has. One that has them says a wrong version: then the step
# would lose them without a word, or a seal would not be asked for.
BROUGHT: dict[int, tuple[str, ...]] = {2: ("input.jpeg_decoding",), 3: ("confidence",)}


def _decode_jpegs_in_full(fields: Fields) -> Fields:
    """1 to 2: before, every JPEG was decoded in full; its card goes on meaning that."""
    if isinstance(fields.get("input"), dict):
        return {**fields, "input": {**fields["input"], "jpeg_decoding": "full"}}
    return fields


MIGRATIONS[1] = _decode_jpegs_in_full


def _leave_scores_alone(fields: Fields) -> Fields:
    """2 to 3: before, scores were told as the network gives them."""
    return {**fields, "confidence": None}


MIGRATIONS[2] = _leave_scores_alone


def migrate(fields: Fields, current: int, where: str) -> Fields:
    """Bring the fields of a card to schema `current`.

    Args:
        fields: a card as `json.loads` gives it, of any schema version.
        current: the version that this edgecnn reads and writes.
        where: names the card in errors.

    Raises:
        ModelFileError: `fields` are of a newer version, or state none or an older one than theirs.
    """
    version = fields.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ModelFileError(
            f"{where}.schema_version must be a whole number from 1 to {current}. Received: {repr(version)[:60]}; "
            "convert the model again"
        )
    if version > current:
        raise ModelFileError(
            f"{where} was written by {_writer(fields)} (schema {min(version, 10**6)}); "
            f"this is edgecnn {version_of('edgecnn')}, which reads schema {current} and older: "
            "upgrade with pip install --upgrade edgecnn"
        )
    for step in range(version, current):
        _require_none_of(fields, step + 1, where)
        fields = MIGRATIONS[step](fields)
    return {**fields, "schema_version": current}


def _writer(fields: Fields) -> str:
    """What wrote a card, as far as a card of an unknown schema says so."""
    provenance = fields.get("provenance")
    version = provenance.get("edgecnn") if isinstance(provenance, Mapping) else None
    known = isinstance(version, str) and version.isprintable() and 0 < len(version) <= 40
    return f"edgecnn {version}" if known else "a newer edgecnn"


def _require_none_of(fields: Fields, newer: int, where: str) -> None:
    """Make sure that a card has no field that only the version `newer` brought."""
    for field in BROUGHT.get(newer, ()):
        *outer, name = field.split(".")
        place: Any = fields
        for key in outer:
            place = place.get(key) if isinstance(place, Mapping) else None
        if isinstance(place, Mapping) and name in place:
            raise ModelFileError(
                f"{where} was changed after it was written: it says schema {newer - 1} or older, which has no {field}; "
                "copy the file again or convert the model again"
            )
