"""What a converted model's scores are worth is measured on its own scores, with the images that training held back."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn.convert.score_judgement import judge_converted_scores
from edgecnn.model_file.card import ModelCard, Training
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.pixels.input_spec import InputSpec
from tests.support.cards import CARDS
from tests.support.scored import CONFIDENCE, in_8_bits, overconfident

TEST, HELD_OUT = in_8_bits(overconfident(600, 2.0)), in_8_bits(overconfident(300, 2.0, seed=1))
TRAINING = Training("numbers", "0" * 64, "reference", "fast, validation_split 0.5", 3, 4, 600)


@pytest.fixture
def card() -> ModelCard:
    """Of a network before conversion, which says nothing of its scores, as those of older versions do."""
    return dataclasses.replace(ModelCard.load(CARDS / "v2.json"), training=TRAINING)


@pytest.fixture
def dataset(spec: InputSpec) -> Dataset:
    """Training images in pairs, whose first two pixels say which of `HELD_OUT` they are."""
    images = np.zeros((600, 28, 28, 1), np.uint8)
    images[:, 0, :2, 0] = np.stack(np.divmod(np.arange(600) // 2, 256), axis=1)
    train, test = Split(images, np.repeat(HELD_OUT.labels, 2)), Split(images, TEST.labels)
    return Dataset("numbers", tuple("abcde"), spec, train, test, "0" * 64, "made here")


def refuse(_: object) -> npt.NDArray[np.float32]:
    raise AssertionError("no other images are needed")


def test_a_run_of_before_gets_a_word_on_its_scores(card: ModelCard, dataset: Dataset) -> None:
    plain = dataclasses.replace(card, training=dataclasses.replace(TRAINING, recipe="fast"))
    judged = judge_converted_scores(TEST.probabilities, plain, dataset, refuse)
    confidence, doubt = judged.confidence, judged.doubt
    assert confidence and not doubt and (confidence.source, confidence.images) == ("test", 600)
    assert confidence.temperature == pytest.approx(2, rel=0.25) and confidence.error_after < confidence.error_before


def test_images_that_training_held_back_choose(card: ModelCard, dataset: Dataset) -> None:
    asked: list[int] = []

    def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        asked.append(len(images))
        return HELD_OUT.probabilities[256 * images[:, 0, 0, 0].astype(int) + images[:, 0, 1, 0]]

    confidence = judge_converted_scores(TEST.probabilities, card, dataset, answer).confidence
    assert confidence and confidence.source == "validation" and asked == [300]
    assert confidence.temperature == pytest.approx(2, rel=0.25) and confidence.error_after < confidence.error_before


def test_where_strangers_took_part_as_many_images_are_answered_as_before(card: ModelCard, dataset: Dataset) -> None:
    before = dataclasses.replace(CONFIDENCE, coverage=0.35, other_images=40, other_accepted=0.05)
    sharpened = dataclasses.replace(card, confidence=before, training=dataclasses.replace(TRAINING, recipe="fast"))
    confidence = judge_converted_scores(TEST.probabilities, sharpened, dataset, refuse).confidence
    assert confidence and confidence.coverage == pytest.approx(0.35, abs=0.05)
    assert (confidence.other_images, confidence.other_accepted, confidence.wanted_error) == (40, 0.05, 0.02)


def test_where_no_score_told_strangers_apart_conversion_recommends_none_either(
    card: ModelCard, dataset: Dataset
) -> None:
    before = dataclasses.replace(CONFIDENCE, min_score=None, coverage=None, error=None, other_images=40)
    plain = dataclasses.replace(TRAINING, recipe="fast")
    recommending = judge_converted_scores(
        TEST.probabilities, dataclasses.replace(card, training=plain, confidence=CONFIDENCE), dataset, refuse
    ).confidence
    confidence = judge_converted_scores(
        TEST.probabilities, dataclasses.replace(card, training=plain, confidence=before), dataset, refuse
    ).confidence
    assert recommending and recommending.min_score is not None
    assert confidence and (confidence.min_score, confidence.coverage, confidence.error) == (None, None, None)
    assert (
        confidence.other_images == 40 and "the 40 images of no class are told with as high" in confidence.why_no_score
    )


def test_of_images_that_nobody_named_nothing_is_told(card: ModelCard, dataset: Dataset) -> None:
    foreign, split = dataclasses.replace(card, training=None), Split(dataset.test.images, np.full(600, -1))
    unnamed = dataclasses.replace(dataset, train=split, test=split)
    judged = judge_converted_scores(TEST.probabilities, foreign, unnamed, refuse)
    confidence, doubt = judged.confidence, judged.doubt
    assert confidence is None and "nobody knows what the images show" in doubt
    named = judge_converted_scores(TEST.probabilities, foreign, dataset, refuse).confidence
    assert named and named.source == "representative"
