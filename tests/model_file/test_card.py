"""The contract: what is written is what is read, and what is wrong is named."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

from edgecnn import ModelCard, ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.card import Parity
from edgecnn.model_file.container import read_model


@pytest.fixture
def card() -> ModelCard:
    found = read_model(find_model("fashion-mnist")).card
    assert found
    return found


def test_card_survives_writing_and_reading(card: ModelCard, tmp_path: Path) -> None:
    card.save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json") == card


def test_names_that_are_no_text_are_written_so_that_they_are_read(card: ModelCard, tmp_path: Path) -> None:
    assert card.training
    training = dataclasses.replace(
        card.training, dataset="a\tb", architecture="n\udce9t.py:net", recipe="fast, teacher \x1b.keras"
    )
    named = dataclasses.replace(card, name="caf\udce9\n", training=training)
    named.save(tmp_path / "card.json")
    assert ModelCard.load(tmp_path / "card.json") == named and named.name == r"caf\udce9\n"


@pytest.mark.parametrize("name", ["\U0001fae8", "\U0001fadf", "9.41\u202fAM", "\u0646\u200c\u0645"])
def test_what_shows_is_a_label_whatever_unicode_python_knows(card: ModelCard, name: str) -> None:
    """Emoji of Unicode 15 and 16; a space of a Mac's; letters that a joiner parts."""
    named = dataclasses.replace(card, labels=(name, *card.labels[1:]))
    assert ModelCard.from_json(named.to_json()) == named


def test_scale_survives_json_to_the_last_bit(card: ModelCard) -> None:
    assert ModelCard.from_json(card.to_json()).input.scale == (1 / 255,)


WRONG = [  # path to the field, wrong value, what the message must say
    (("labels",), None, "card.labels must be a list"),
    (("labels",), ["one"], "card.labels must name at least 2"),
    (("labels",), ["same", "same"], "card.labels must be unique"),
    (("labels", 3), 7, "card.labels[3] must be a string"),
    (("input", "height"), "28", "card.input.height must be a whole number. Received: '28'"),
    (("input", "height"), 0, "card.input.height must be above 0"),
    (("input", "height"), True, "card.input.height must be a whole number"),
    (("input", "channels"), 3, "card.input.channels must be 1 for colour=grayscale"),
    (("input", "fit"), "squeeze", "card.input.fit must be one of stretch, pad, crop. Received: 'squeeze'"),
    (("input", "scale"), [0.0], "card.input.scale must not be 0"),
    (("input", "offset"), [0.0, 0.0], "card.input.offset must hold 1 number(s) within 1e6"),
    (("quantization", "scheme"), "int4", "card.quantization.scheme must be one of"),
    (("feature_maps", 0, "shape"), "26", "card.feature_maps[0].shape must be a list"),
    (("input", "scale"), [10**400], "card.input.scale[0] is too large a number"),
    (("parity", "agreement"), 5.5, "card.parity.agreement must be 0 to 1. Received: 5.5"),
    (("parity", "keras_accuracy"), -1, "card.parity.keras_accuracy must not be below 0. Received: -1"),
    (("parity", "images"), 10**400, "card.parity.images is too large a number. Received: a very large number"),
    (("training", "epochs"), -5, "card.training.epochs must not be below 0. Received: -5"),
    (("training", "seed"), 2**63, "card.training.seed is too large a number"),
    (("ranges", 0, "low"), math.inf, "card.ranges[0].low is too large a number. Received: inf"),
    (("confidence", "error"), 1.5, "card.confidence.error must be 0 to 1. Received: 1.5"),
    (("labels", 3), " ", "card.labels must be unique and not empty"),
    (("schema_version",), "3", "schema_version must be a whole number from 1 to 3. Received: '3'"),
    (("schema_version",), 99, "(schema 99); this is edgecnn"),
    (("colour",), "red", "card has an unknown field 'colour'"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_field_is_named(card: ModelCard, place: tuple[Any, ...], value: object, message: str) -> None:
    data = json.loads(card.to_json())
    target = data
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    text = json.dumps(data).replace("Infinity", "1e999")  # JSON's only way to say it
    with pytest.raises(ModelFileError) as error:
        ModelCard.from_json(text)
    assert message in str(error.value)
    assert str(error.value).endswith(("convert the model again", "pip install --upgrade edgecnn"))


@pytest.mark.parametrize("field", ["name", "labels", "input", "quantization", "provenance"])
def test_missing_field_is_named(card: ModelCard, field: str) -> None:
    data = json.loads(card.to_json())
    del data[field]
    with pytest.raises(ModelFileError, match=f"card.{field} is missing; train or convert the model again$"):
        ModelCard.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", b"\xff\xfe", "[" * 100_000, '{"a": NaN}'])
def test_what_is_no_json_object_is_refused(text: str | bytes) -> None:
    with pytest.raises(ModelFileError, match=r"^card .*; train or convert the model again$"):
        ModelCard.from_json(text)


def test_what_is_wrong_is_cut_where_it_is_long(card: ModelCard) -> None:
    long = "n" * 100_000
    for old, new in (('"name"', f'"{long}"'), ('"scheme": "int8"', f'"scheme": "{long}"')):
        with pytest.raises(ModelFileError, match=r"n\.\.\.") as error:
            ModelCard.from_json(card.to_json().replace(old, new, 1))
        assert len(str(error.value)) < 500


def test_a_card_is_utf_8_with_or_without_its_mark(card: ModelCard) -> None:
    text = card.to_json()
    assert ModelCard.from_json(text.encode("utf-8-sig")) == card
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        with pytest.raises(ModelFileError, match="is not valid JSON"):
            ModelCard.from_json(text.encode(encoding))


def test_missing_card_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="cannot read the model card"):
        ModelCard.load(tmp_path / "card.json")


@pytest.mark.parametrize(("before", "after", "points"), [(0.93, 0.92, 1.0), (0.5, 0.75, -25.0), (None, 0.9, None)])
def test_drop_is_in_percentage_points_and_unknown_without_labels(
    before: float | None, after: float | None, points: float | None
) -> None:
    assert Parity(100, 0.99, before, after).drop == (None if points is None else pytest.approx(points))


def test_card_file_is_replaced_whole(card: ModelCard, tmp_path: Path) -> None:
    card.save(tmp_path / "card.json")
    assert (tmp_path / "card.json").read_text() == card.to_json() and len(list(tmp_path.iterdir())) == 1
