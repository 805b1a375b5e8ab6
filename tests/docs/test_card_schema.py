"""The JSON schema of the card takes what edgecnn takes, and refuses what it refuses."""

import functools
import json
import operator
import zipfile
from pathlib import Path

import pytest

from edgecnn import ModelCard, ModelFileError
from edgecnn.model_file.bundled import find_model

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "schemas" / "v1" / "card.schema.json"
CONFIDENCE = {
    **{"temperature": 1.5, "source": "test", "images": 5, "error_before": 0.1, "error_after": 0.1},
    **{"wanted_error": 0.05, "min_score": 0.5, "coverage": 0.9, "error": 0.04, "error_low": 0.01, "error_high": 0.1},
    **{"other_images": 3, "other_accepted": 0.2},
}


def places(part: object, prefix: tuple[str | int, ...] = ()) -> "list[tuple[str | int, ...]]":
    """Where a card has a value: names of fields and numbers in lists; of a list, the first element stands for all."""
    inner = part.items() if isinstance(part, dict) else enumerate(part[:1]) if isinstance(part, list) else ()
    return [place for key, value in inner for place in ((*prefix, key), *places(value, (*prefix, key)))]


# Not here: what the page says that no schema can say, such as 28.0 for a whole number.
NUMBERS = (0, -1, 1, 2, 2**63 - 1, 1 - 2**63, 1.5, 1 + 1e-10, -1e-10, 1.01, -0.01)
TRIED: tuple[object, ...] = (None, True, *NUMBERS, "", " ", "x", [], {}, [1], ["a"])


def test_the_schema_of_the_card_takes_what_the_code_takes() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    with zipfile.ZipFile(find_model("fashion-mnist")) as archive:
        whole = {**json.loads(archive.read("card.json")), "confidence": CONFIDENCE}
    ModelCard.from_json(json.dumps(whole))
    differing = []
    for place in places(whole):
        for value in TRIED:
            card = json.loads(json.dumps(whole))
            *outer, last = place
            functools.reduce(operator.getitem, outer, card)[last] = value
            if place in (("schema_version",), ("input", "colour"), ("input", "channels")):
                continue  # which other fields depend on
            try:
                ModelCard.from_json(json.dumps(card))
                taken = True
            except ModelFileError:
                taken = False
            if taken != validator.is_valid(card):
                differing.append((place, value, taken))
    assert differing == []
