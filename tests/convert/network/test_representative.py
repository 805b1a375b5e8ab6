"""People's own images calibrate a model that was trained elsewhere, and are what it is compared on."""

import dataclasses
import json
import shutil
import unicodedata
from pathlib import Path

import pytest

from edgecnn import DataError
from edgecnn.convert import KerasModel, convert, load_representative, parity
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import Foreign


def test_photographs_are_labelled_by_the_name_of_their_folder(run: Path, foreign: Foreign) -> None:
    images = load_representative(foreign.photos, RunDirectory(run).read_card())
    assert images.test.is_labelled and len(images.test) == 400
    # Folders are read in the order of their names; the model's labels stand in another.
    assert images.labels[images.test.labels[0]] == "Ankle boot" and images.labels != tuple(sorted(images.labels))
    assert KerasModel(RunDirectory(run).model).evaluate(images.test).accuracy > 0.6


def test_images_without_labels_give_agreement_alone(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in sorted(foreign.photos.rglob("*.png"))[::20]:
        shutil.copy(path, flat)
    images = load_representative(flat, RunDirectory(run).read_card())
    made = convert(run, images, output=tmp_path / "out", calibration_images=10)
    assert made.plain.parity.accuracy is None and made.plain.parity.agreement > 0.9
    report = parity(run, images, files=tmp_path / "out")
    figures = json.loads(report.json.read_text())
    assert figures["classes"] == [] and figures["rungs"][1]["mcnemar_p"] is None and report.passed
    assert "Change of the confusion matrix" not in report.html.read_text()
    assert "images right" not in report.html.read_text()


def test_strange_folders_are_a_sentence(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    card = RunDirectory(run).read_card()
    shutil.copytree(foreign.photos, tmp_path / "photos")
    shutil.copy(foreign.labels, tmp_path / "photos" / "notes.txt")
    (tmp_path / "photos" / "Bag").rename(tmp_path / "photos" / "Bags")
    with pytest.raises(DataError, match="Bags is no label"):
        load_representative(tmp_path / "photos", card)
    (tmp_path / "photos" / "Bags").rename(tmp_path / "photos" / "Bag")
    (tmp_path / "photos" / "Bag" / "broken.png").write_bytes(b"no image")
    told: list[str] = []
    assert len(load_representative(tmp_path / "photos", card, progress=told.append).test) == 400
    assert any("left out" in line and "broken.png" in line for line in told)
    shutil.copy(tmp_path / "photos" / "Bag" / "broken.png", tmp_path / "photos" / "beside.png")
    with pytest.raises(DataError, match=r"beside\.png lies beside class folders"):
        load_representative(tmp_path / "photos", card)


def test_folders_that_no_label_is_called_like_say_why_accuracy_is_blank(
    run: Path, foreign: Foreign, tmp_path: Path
) -> None:
    card, told = RunDirectory(run).read_card(), list[str]()
    image = next(foreign.photos.rglob("*.png"))
    for folder in ("kitchen", "__MACOSX", ".cache"):
        (tmp_path / "rooms" / folder).mkdir(parents=True)
        shutil.copy(image, tmp_path / "rooms" / folder)
    (tmp_path / "rooms" / "kitchen" / "raw.nef").write_bytes(b"x")
    images = load_representative(tmp_path / "rooms", card, progress=told.append)
    assert not images.test.is_labelled and len(images.test) == 1
    why = [line for line in told if "accuracy stays blank" in line]
    assert len(why) == 1 and "(kitchen)" in why[0] and card.labels[0] in why[0]
    assert any("1 .nef" in line for line in told)


def test_folders_that_are_nearly_called_as_labels_are_get_the_right_names(
    run: Path, foreign: Foreign, tmp_path: Path
) -> None:
    card, told = RunDirectory(run).read_card(), list[str]()
    for folder in ("ankle_boot", "3-bag"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        shutil.copy(next(foreign.photos.rglob("*.png")), tmp_path / "set" / folder)
    load_representative(tmp_path / "set", card, progress=told.append)
    assert any("rename 3-bag to Bag, ankle_boot to Ankle boot" in line for line in told)


def test_images_without_folders_say_why_accuracy_is_blank(
    run: Path, foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    shutil.copy(next(foreign.photos.rglob("*.png")), tmp_path)
    load_representative(tmp_path, RunDirectory(run).read_card(), progress=told.append)
    monkeypatch.chdir(tmp_path)
    assert load_representative(".", RunDirectory(run).read_card()).name == tmp_path.name
    assert any("has no class folders, so" in line and "accuracy stays blank" in line for line in told)


def test_a_macs_folders_are_those_of_the_labels(run: Path, foreign: Foreign, tmp_path: Path) -> None:
    card = RunDirectory(run).read_card()
    for form in ("NFC", "NFD"):  # of the label; the folder has the other
        labels = tuple(unicodedata.normalize(form, f"É{label}") for label in card.labels)
        other = unicodedata.normalize("NFD" if form == "NFC" else "NFC", labels[3])
        (tmp_path / form / other).mkdir(parents=True)
        shutil.copy(next(foreign.photos.rglob("*.png")), tmp_path / form / other)
        images = load_representative(tmp_path / form, dataclasses.replace(card, labels=labels))
        assert images.test.labels.tolist() == [3]
