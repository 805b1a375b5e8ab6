"""edgecnn compare: which of two models is better, by hand; labels in another order; gates."""

import dataclasses
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn.cli import options
from edgecnn.convert import KerasModel
from edgecnn.device import Classifier
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from tests.support.command_line import Run, printed
from tests.support.json_schemas import check
from tests.support.model_files import fields_of_card, repacked, write_bare

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def turned(fashion: Dataset, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that hardly trained, on classes in the order of the alphabet, turned round."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("turned")
    names = sorted(fashion.labels, reverse=True)
    places = np.array([names.index(name) for name in fashion.labels])
    train, test = fashion.train.sample(400), fashion.test.sample(40)
    np.savez(
        folder / "data.npz",
        x_train=np.asarray(train.images), y_train=places[train.labels],
        x_test=np.asarray(test.images), y_test=places[test.labels], labels=np.array(names),
    )  # fmt: skip
    said = edgecnn("train", "--data", folder / "data.npz", "--epochs", "2", "-o", folder / "run")
    assert said.exit_code == 0, said.output
    return folder / "run"


@pytest.fixture(scope="module")
def against(turned: Path, few: Path, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Figures, str]:
    """What is printed of the bundled model and the turned run, and the page."""
    page = tmp_path_factory.mktemp("page") / "page.html"
    said = edgecnn("compare", "fashion-mnist", turned, "--data", few, "--json", "--html", page)
    assert said.exit_code == 0, said.output
    assert "was trained on other data" in said.stderr
    return json.loads(said.stdout), page.read_text()


def test_figures_are_those_counted_by_hand(against: tuple[Figures, str], turned: Path, few: Path) -> None:
    figures, _ = against
    with np.load(few) as arrays:
        images, truth, labels = arrays["x_test"], arrays["y_test"], arrays["labels"]
    bundled, own = Classifier("fashion-mnist"), KerasModel(turned / "model.keras")
    images = images if images.ndim == 4 else images[..., None]
    answers = [
        [runner.labels[index] for index in runner.predict_all(images).argmax(axis=1)] for runner in (bundled, own)
    ]
    true = [str(labels[index]) for index in truth]
    right = [np.array([a == t for a, t in zip(one, true, strict=True)]) for one in answers]
    assert figures["first"]["accuracy"] == right[0].mean() > 0.8
    assert figures["second"]["accuracy"] == right[1].mean() < 0.8
    assert figures["only_first_right"] == (right[0] & ~right[1]).sum()
    assert figures["only_second_right"] == (right[1] & ~right[0]).sum()
    assert figures["difference"] == pytest.approx(right[1].mean() - right[0].mean())
    differing = [row for row in range(len(true)) if answers[0][row] != answers[1][row]]
    assert [one["image"] for one in figures["differing"]] == [f"#{row}" for row in differing]
    assert figures["agreement"] == pytest.approx(1 - len(differing) / len(true))
    check("compare", [figures])
    assert figures["verdict"] == "first is better" and figures["images_needed"] is None
    assert figures["second"]["size_bytes"] == (turned / "model.keras").stat().st_size


def test_the_page_shows_where_they_differ(against: tuple[Figures, str], turned: Path) -> None:
    figures, page = against
    assert "fashion-mnist is better: by " in page and "<script" not in page
    shown = page.split("<h2>Only the first is right</h2>")[1].split("<h2>")[0].count("<img")
    assert shown == min(36, figures["only_first_right"])
    assert all(link.startswith("data:") for link in re.findall(r'src="([^"]*)"', page))


def test_worse_fails_where_asked_and_better_does_not(turned: Path, few: Path, edgecnn: Run) -> None:
    worse = edgecnn("compare", "fashion-mnist", turned, "--data", few, "--fail-if-worse")
    assert worse.exit_code == 1 and "is worse than fashion-mnist" in worse.stderr
    better = edgecnn("compare", turned, "fashion-mnist", "--data", few, "--fail-if-worse")
    assert better.exit_code == 0 and "fashion-mnist is better" in better.stdout


def test_equal_models_give_the_same_answers(few: Path, edgecnn: Run) -> None:
    said = edgecnn("compare", "fashion-mnist", "fashion-mnist.activations", "--data", few, "--fail-if-worse")
    assert said.exit_code == 0 and "both give the same answers to all 200 images" in said.stdout
    figures = json.loads(printed(edgecnn("compare", "fashion-mnist", "fashion-mnist", "--data", few, "--json")))
    check("compare", [figures])
    assert figures["verdict"] == "cannot tell" and figures["images_needed"] is None and figures["mcnemar_p"] == 1


def test_equal_models_are_equal_whatever_they_call_their_classes(few: Path, edgecnn: Run, tmp_path: Path) -> None:
    with np.load(few) as arrays:
        parts: dict[str, Any] = dict(arrays)
    parts["labels"] = np.array([f"é{name}" for name in parts["labels"]])
    np.savez(tmp_path / "few.npz", **parts)
    fields = fields_of_card()
    for form in ("NFC", "NFD"):
        labels = [unicodedata.normalize(form, f"é{name}") for name in fields["labels"]]
        repacked(tmp_path / f"{form}.tflite", fields={**fields, "labels": labels})
    for second in (tmp_path / "NFD.tflite", write_bare(tmp_path / "bare.tflite")):
        said = edgecnn("compare", tmp_path / "NFC.tflite", second, "--data", tmp_path / "few.npz")
        assert said.exit_code == 0 and "both give the same answers to all 200 images" in said.stdout, said.output


def test_what_is_true_of_both_is_said_once(turned: Path, edgecnn: Run) -> None:
    said = edgecnn("compare", "fashion-mnist", "fashion-mnist.activations", "--data", turned.parent / "data.npz")
    assert said.exit_code == 0 and said.stderr.count("are found among the 10 labels by name") == 1
    assert len(said.stderr.splitlines()) == len(set(said.stderr.splitlines()))


def test_what_cannot_be_compared_is_a_sentence(few: Path, edgecnn: Run, tmp_path: Path) -> None:
    with np.load(few) as arrays:
        parts: dict[str, Any] = dict(arrays)
    parts["labels"] = np.array([f"class {number}" for number in range(10)])
    np.savez(tmp_path / "named.npz", **parts)
    for arguments, words in (
        (("fashion-mnist", tmp_path, "--data", few), "is not a run directory"),
        (("fashion-mnist", "nothing", "--data", few), "no run directory or model file nothing"),
        (("fashion-mnist", "fashion-mnist", "--data", tmp_path / "named.npz"), "has no label 'class 0'"),
    ):
        said = edgecnn("compare", *arguments)
        assert said.exit_code == 1 and words in said.stderr and "Traceback" not in said.output
    assert edgecnn("compare", "fashion-mnist").exit_code == 2


def test_models_that_take_different_images_of_a_folder_are_not_compared(
    fashion: Dataset, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = fields_of_card()
    fields["input"]["background"] = "any"
    other = repacked(tmp_path / "other.tflite", fields=fields)
    few = fashion.test.take(3)

    def load(_: object, __: object, spec: InputSpec) -> Dataset:
        read = ("a.png", "b.png", "d.png" if spec.background == "any" else "c.png")  # the third is damaged for one
        return dataclasses.replace(fashion, test=Split(few.images, few.labels, read), source="folder photos")

    monkeypatch.setattr(options, "load_dataset", load)
    said = edgecnn("compare", "fashion-mnist", other)
    assert said.exit_code == 1 and "take different images of folder photos" in said.stderr


@pytest.mark.parametrize(
    ("shared", "words"),
    [
        (1, "have no two classes in common, so no images tell which is better; fashion-mnist knows T-shirt/top"),
        (2, "has no label 'Pullover', which the test set"),
    ],
)
def test_models_without_classes_in_common_cannot_be_compared(
    shared: int, words: str, few: Path, edgecnn: Run, tmp_path: Path
) -> None:
    fields = fields_of_card()
    fields["labels"][shared:] = [f"class {number}" for number in range(shared, 10)]
    other = repacked(tmp_path / "other.tflite", fields=fields)
    said = edgecnn("compare", "fashion-mnist", other, "--data", few)
    assert said.exit_code == 1 and words in " ".join(said.stderr.split()), said.output


def test_a_page_that_exists_is_kept(few: Path, edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    pair = ("fashion-mnist", "fashion-mnist.activations", "--data", few)
    said = edgecnn("compare", *pair, "--html", tmp_path / "page.html")
    assert said.exit_code == 1 and "add --force" in said.stderr and (tmp_path / "page.html").read_text() == "mine"
