"""`make bundle-card`: a new card for the bundled files, without training again."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import bundled_models, find_model
from edgecnn.model_file.container import CARD, LABELS, read_model
from tests.support.cards import CARDS
from tests.support.model_files import fields_of_card, repacked

SCRIPT = Path(__file__).parents[1] / "scripts" / "rewrite_cards.py"


def rewrite(path: Path) -> str:
    done = subprocess.run([sys.executable, SCRIPT, path], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("name", bundled_models())
def test_todays_files_stay_as_they_are(name: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "model.tflite", bundled_models()[name].read_bytes()
    path.write_bytes(whole)
    assert rewrite(path) == f"{path}: is as it was\n"
    assert path.read_bytes() == whole


@pytest.mark.parametrize("stored", [False, True])
def test_card_of_another_time_is_written_anew_and_the_network_stays(stored: bool, tmp_path: Path) -> None:
    model, fields = read_model(find_model("fashion-mnist")), fields_of_card()
    del fields["ranges"]  # as cards of before 0.1.0
    path = repacked(tmp_path / "model.tflite", fields=fields, stored=stored)
    assert rewrite(path) == f"{path}: has a new card\n"
    found = read_model(path)
    assert (found.flatbuffer, found.golden) == (model.flatbuffer, model.golden)
    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read(CARD))["ranges"] == []
        assert archive.read(LABELS).decode().splitlines() == fields["labels"]
        assert (archive.getinfo(CARD).compress_type == zipfile.ZIP_STORED) == stored
    assert rewrite(path) == f"{path}: is as it was\n"


def test_card_file_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_bytes((CARDS / "v1-before-ranges.json").read_bytes())
    assert rewrite(path) == f"{path}: has a new card\n"
    assert json.loads(path.read_bytes())["ranges"] == []
