"""The card's word on scores is read as strictly as the rest of it."""

import json

import pytest

from edgecnn import ModelCard, ModelFileError
from tests.support.cards import CARDS


def card_with(**fields: object) -> str:
    data = json.loads((CARDS / "v3.json").read_bytes())
    data["confidence"] |= fields
    return json.dumps(data)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("temperature", 0, "temperature must be 0.05 to 20"),
        ("temperature", -1.5, "temperature must be 0.05 to 20"),
        ("temperature", 20.5, "temperature must be 0.05 to 20"),
        ("temperature", "1", "temperature must be a number"),
        ("temperature", None, "temperature must be a number"),
        ("min_score", 1.01, "min_score must be 0 to 1, or null"),
        ("source", "training", "source must be one of validation, test, representative"),
        ("images", 2.5, "images must be a whole number"),
        ("certainty", 1, "unknown field 'certainty'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(field: str, value: object, words: str) -> None:
    with pytest.raises(ModelFileError, match=rf"card\.confidence.*{words}"):
        ModelCard.from_json(card_with(**{field: value}))


@pytest.mark.parametrize("name", ["v1", "v1-before-ranges", "v2"])
def test_older_cards_leave_scores_alone(name: str) -> None:
    assert ModelCard.load(CARDS / f"{name}.json").confidence is None
