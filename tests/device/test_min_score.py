"""Below the lowest score an image is unknown, and auto is what the model recommends."""

import dataclasses
from pathlib import Path

import pytest

from edgecnn import InputError, ModelFileError
from edgecnn.device import Classifier, sample_images
from edgecnn.device.min_score import resolve_min_score
from edgecnn.model_file.card import ModelCard
from tests.support.cards import CARDS
from tests.support.scored import CONFIDENCE, write_scored

BOOT = sample_images()[0]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(write_scored(tmp_path_factory.mktemp("scored") / "scored.tflite"), trust=True)


def test_a_score_below_makes_the_label_unknown_and_keeps_what_came_closest(classifier: Classifier) -> None:
    best, second = classifier.classify(BOOT, top=2)
    assert best.is_known and classifier.classify(BOOT, top=2, min_score=best.score) == (best, second)
    rejected, same = classifier.classify(BOOT, top=2, min_score=best.score + 1e-6)
    assert (rejected.label, rejected.is_known, same) == ("unknown", False, second)
    assert (rejected.score, rejected.index) == (best.score, best.index)


def test_auto_is_the_cards(classifier: Classifier) -> None:
    for path in sample_images():
        (plain,), (found,) = classifier.classify(path), classifier.classify(path, min_score="auto")
        assert found.is_known == (plain.score >= 0.7)


def test_notebooks_show_unknown(classifier: Classifier) -> None:
    shown = classifier.classify(BOOT, min_score=1)
    assert "<td>unknown</td>" in shown._repr_html_()  # type: ignore[attr-defined]  # it is a tuple that shows itself


@pytest.mark.parametrize("wanted", [-0.1, 1.01, float("nan"), "best", True, None])
def test_what_is_no_score_is_refused(wanted: object) -> None:
    with pytest.raises(InputError, match=r"must be 0 to 1, or auto\. Received"):
        resolve_min_score(wanted, None, "m")  # type: ignore[arg-type]


def test_a_model_that_recommends_none_says_why(tmp_path: Path) -> None:
    card = ModelCard.load(CARDS / "v3.json")
    without = dataclasses.replace(CONFIDENCE, min_score=None)
    for confidence, words in (
        (None, "no labelled images told"),
        (dataclasses.replace(without, wanted_error=None), "more than 10 % of the answers were wrong"),
        (dataclasses.replace(without, other_images=7), "the 7 images of no class are told with as high scores"),
        (without, "too few to choose a score that the others keep to"),
    ):
        with pytest.raises(ModelFileError, match=rf"m recommends no lowest score: .*{words}.*give one yourself"):
            resolve_min_score("auto", dataclasses.replace(card, confidence=confidence), "m")
    with pytest.raises(ModelFileError, match="it carries no card"):
        resolve_min_score("auto", None, "m")
