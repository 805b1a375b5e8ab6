"""Schema evolution: cards of every version so far are read, those of a later one say what to do."""

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import edgecnn
from edgecnn import ModelCard, ModelFileError
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.card import SCHEMA_VERSION
from edgecnn.model_file.container import read_model
from edgecnn.model_file.migrations import MIGRATIONS, migrate
from tests.support.cards import CARDS, fields_in, fields_of, version_of

SCRIPTS = Path(__file__).parents[1] / "scripts"
RECORDED = sorted(CARDS.glob("v*.json"))
CURRENT = CARDS / f"v{SCHEMA_VERSION}.json"
HOW = 'the card has other fields than {}: follow "A new field of the card" in docs/how-to/extend.md'


def test_fields_change_only_together_with_the_schema_version() -> None:
    recorded = set(fields_in(json.loads(CURRENT.read_bytes())))
    assert set(fields_of(ModelCard)) == recorded, HOW.format(CURRENT.name)


def test_every_version_has_a_recorded_card_and_a_way_to_the_next() -> None:
    assert {version_of(path) for path in RECORDED} == set(range(1, SCHEMA_VERSION + 1))
    assert set(MIGRATIONS) == set(range(1, SCHEMA_VERSION))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_card_is_read_as_one_of_this_version(path: Path) -> None:
    card, written = ModelCard.load(path), json.loads(path.read_bytes())
    assert written["schema_version"] == version_of(path) and card.schema_version == SCHEMA_VERSION
    assert list(card.labels) == written["labels"] and card.provenance.created == written["provenance"]["created"]
    assert set(fields_of(ModelCard)) >= set(fields_in(json.loads(card.to_json())))


def test_card_of_this_version_is_written_as_it_was_read() -> None:
    assert ModelCard.load(CURRENT).to_json().encode() == CURRENT.read_bytes()


def test_cards_that_were_written_before_a_field_get_its_default() -> None:
    oldest = ModelCard.load(CARDS / "v1-before-train-images.json")
    assert oldest.training and (oldest.training.train_images, oldest.ranges) == (0, ())
    assert ModelCard.load(CARDS / "v1-before-ranges.json").ranges == ()


@pytest.mark.parametrize("path", [path for path in RECORDED if version_of(path) == 1], ids=lambda path: path.stem)
def test_cards_of_version_1_go_on_decoding_jpegs_in_full(path: Path) -> None:
    assert "jpeg_decoding" not in json.loads(path.read_bytes())["input"]
    assert ModelCard.load(path).input.jpeg_decoding == "full"


def test_a_card_that_says_an_older_version_than_its_fields_are_of_is_refused() -> None:
    for old in range(1, SCHEMA_VERSION):
        newer = json.loads((CARDS / f"v{old + 1}.json").read_bytes())
        of_before = [json.loads(path.read_bytes()) for path in RECORDED if version_of(path) == old]
        assert set(fields_in(newer)) - {field for card in of_before for field in fields_in(card)}
        with pytest.raises(ModelFileError, match=f"it says schema {old} or older, which has no "):
            migrate({**newer, "schema_version": old}, SCHEMA_VERSION, "card")


def test_migrations_are_applied_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MIGRATIONS, 1, lambda fields: {**fields, "steps": "1"})
    monkeypatch.setitem(MIGRATIONS, 2, lambda fields: {**fields, "steps": fields["steps"] + "2"})
    assert migrate({"schema_version": 1}, 3, "card") == {"schema_version": 3, "steps": "12"}
    monkeypatch.setitem(MIGRATIONS, 2, lambda fields: {**fields, "steps": "only 2"})
    assert migrate({"schema_version": 2}, 3, "card") == {"schema_version": 3, "steps": "only 2"}


WRITERS = [  # what a card of a later version says of its edgecnn, and what is made of it
    ({"edgecnn": "7.1.0"}, "card was written by edgecnn 7.1.0 (schema 99)"),
    ({"edgecnn": 7}, "card was written by a newer edgecnn (schema 99)"),
    ({"edgecnn": "7\n1"}, "card was written by a newer edgecnn (schema 99)"),
    ({"edgecnn": "7" * 99}, "card was written by a newer edgecnn (schema 99)"),
    ({}, "card was written by a newer edgecnn (schema 99)"),
    ("7.1.0", "card was written by a newer edgecnn (schema 99)"),
]


@pytest.mark.parametrize(("provenance", "words"), WRITERS, ids=lambda value: str(value)[:30])
def test_card_of_a_newer_edgecnn_says_to_upgrade(provenance: object, words: str) -> None:
    with pytest.raises(ModelFileError) as error:
        ModelCard.from_json(json.dumps({"schema_version": 99, "provenance": provenance, "all": "else is unknown"}))
    assert str(error.value) == (
        f"{words}; this is edgecnn {version('edgecnn')}, which reads schema {SCHEMA_VERSION} and older: upgrade with "
        "pip install --upgrade edgecnn"
    )


@pytest.mark.parametrize("stated", [None, 0, -1, True, "1", 1.5, [1]])
def test_impossible_version_is_a_sentence(stated: object) -> None:
    data = json.loads(CURRENT.read_bytes()) | {"schema_version": stated}
    with pytest.raises(ModelFileError, match=r"card\.schema_version must be a whole number"):
        ModelCard.from_json(json.dumps(data))


def test_missing_version_is_a_sentence() -> None:
    with pytest.raises(ModelFileError, match=r"schema_version must be a whole number from 1 .*\. Received: None"):
        ModelCard.from_json("{}")


def add_field(package: Path) -> None:
    """What docs/how-to/extend.md says: the field and the version in card.py, the way to it in migrations.py."""
    card, migrations = (package / "model_file" / f"{name}.py" for name in ("card", "migrations"))
    text, last = card.read_text(), "    schema_version: int = SCHEMA_VERSION\n"
    assert text.count(last) == 1
    text = text.replace(f"SCHEMA_VERSION = {SCHEMA_VERSION}\n", f"SCHEMA_VERSION = {SCHEMA_VERSION + 1}\n")
    card.write_text(text.replace(last, f'    licence: str = "unknown"\n{last}'))
    step = f'\n\nMIGRATIONS[{SCHEMA_VERSION}] = lambda fields: {{**fields, "licence": "none was stated"}}\n'
    migrations.write_text(migrations.read_text() + step)


def test_added_field_reads_old_files_and_sends_old_versions_to_upgrade(tmp_path: Path) -> None:
    """A field is added in a copy: the copy reads the bundled file of today, and this tree names the way out of its."""
    assert edgecnn.__file__
    ignored = shutil.ignore_patterns("__pycache__", "train", "convert", "device", "samples", "cli")
    shutil.copytree(Path(edgecnn.__file__).parent, tmp_path / "edgecnn", ignore=ignored)
    add_field(tmp_path / "edgecnn")
    later = tmp_path / "later.tflite"
    command = [sys.executable, SCRIPTS / "write_next_schema.py", tmp_path, find_model("fashion-mnist"), later]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["licence"], read["schema_version"]) == ("none was stated", SCHEMA_VERSION + 1)
    assert "licence" not in set(fields_in(json.loads(CURRENT.read_bytes())))
    with pytest.raises(ModelFileError, match=r"later.tflite: card.json was written by edgecnn .* upgrade with pip"):
        read_model(later)
