"""What scores are worth is measured on images that chose nothing, and where nothing can be told, it is said."""

import dataclasses

import numpy as np
import pytest

from edgecnn.confidence import Answers, measure_confidence, why_unmeasured
from edgecnn.model_file.card import Training
from edgecnn.pixels.dataset import Dataset, Split, held_back
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.validation_images import validation_of, validation_of_run
from tests.support.scored import in_8_bits, overconfident


def test_too_sure_a_network_is_calibrated_and_its_figures_hold_on_new_images() -> None:
    found, unseen = measure_confidence(overconfident(4000, 2.0), "test"), overconfident(20_000, 2.0, seed=8)
    assert found and found.temperature == pytest.approx(2.0, rel=0.08) and found.min_score
    assert found.error_before > 0.08 > 0.02 > found.error_after
    kept = unseen.best(found.temperature) >= found.min_score
    assert kept.mean() == pytest.approx(found.coverage, abs=0.04)
    error = float((~unseen.right[kept]).mean())
    assert found.error_low and found.error_high and found.error_low * 0.8 < error < found.error_high * 1.2


def test_in_8_bits_it_holds_too() -> None:
    found, unseen = measure_confidence(in_8_bits(overconfident(4000, 2.0)), "test"), overconfident(20_000, 2.0, seed=8)
    assert found and found.wanted_error and found.min_score is not None and found.error_high
    unseen = in_8_bits(unseen)
    kept = unseen.best(found.temperature) >= found.min_score
    assert float((~unseen.right[kept]).mean()) < found.error_high * 1.2


def test_what_is_chosen_on_validation_images_is_measured_on_the_test_images() -> None:
    validation, test = overconfident(3000, 3.0), overconfident(1000, 1.0, seed=1)
    found = measure_confidence(test, "validation", validation=validation)
    # The test images are another thing than what it was chosen with, so the scores get worse, and are left alone.
    assert found and found.temperature == 1 and found.error_before == pytest.approx(found.error_after)
    same = measure_confidence(overconfident(1000, 3.0, seed=1), "validation", validation=validation)
    assert same and same.temperature == pytest.approx(3, rel=0.1) and (same.source, same.images) == ("validation", 1000)
    assert same.error_after < same.error_before / 3


def test_a_temperature_is_kept_only_where_it_gains_more_than_chance() -> None:
    true = [measure_confidence(overconfident(60, 1.0, seed), "test") for seed in range(20)]
    assert sum(found is not None and found.temperature == 1 for found in true) >= 18


def test_in_8_bits_no_temperature_is_chosen_for_what_it_cannot_move() -> None:
    labels = np.repeat([0, 1, 2], 40)
    almost = np.eye(3, dtype=np.float32)[np.where(np.arange(120) % 3 > 0, labels, 0)] * np.float32(0.996)
    found = measure_confidence(Answers(almost, labels), "test")
    assert found and found.temperature == 1


def test_images_of_no_class_raise_the_score_and_are_counted() -> None:
    known = overconfident(2000, 1.0)
    best = np.random.default_rng(7).beta(5, 3, (300, 1)) / 2 + 0.45
    other = np.concatenate([best, np.repeat((1 - best) / 4, 4, axis=1)], axis=1).astype(np.float32)
    alone, sharpened = measure_confidence(known, "test"), measure_confidence(known, "test", other=other)
    assert alone and sharpened and alone.min_score is not None and sharpened.min_score is not None
    assert sharpened.min_score >= alone.min_score and sharpened.other_images == 300 and alone.other_accepted is None
    accepted = (apply(other, sharpened.temperature) >= sharpened.min_score).mean()
    assert sharpened.other_accepted == pytest.approx(accepted, abs=0.03)


def test_images_of_no_class_that_get_the_highest_scores_leave_none_to_recommend() -> None:
    sure = np.eye(5, dtype=np.float32)[np.arange(300) % 5]
    found = measure_confidence(overconfident(2000, 1.0), "test", other=sure)
    assert found and (found.min_score, found.coverage, found.other_accepted) == (None, None, None)
    assert "the 300 images of no class are told with as high scores" in found.why_no_score


def apply(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities.astype(float) ** (1 / temperature)
    return np.asarray((powers / powers.sum(axis=1, keepdims=True)).max(axis=1))


def test_a_coverage_is_carried_over_to_other_scores() -> None:
    found = measure_confidence(in_8_bits(overconfident(3000, 1.5)), "test", coverage=0.4)
    assert found and found.coverage == pytest.approx(0.4, abs=0.05) and found.wanted_error is None


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (overconfident(19, 2.0), "19 images are too few"),
        (Answers(overconfident(50, 2.0).probabilities, np.full(50, -1)), "nobody knows what the images show"),
        (Answers(np.full((50, 3), np.nan, np.float32), np.zeros(50, np.int64)), "no numbers"),
        (Answers(np.full((60, 3), (0.7, 0.2, 0.1), np.float32), np.arange(60) % 3), "all 60 images get one class"),
        (Answers(np.full((60, 3), (0.996, 0, 0), np.float32), np.arange(60) % 3), "all 60 images get one class"),
        (Answers(overconfident(600, 1.0, classes=4).probabilities, np.arange(600) % 4), "say nothing of the class"),
    ],
    ids=["few", "unlabelled", "NaN", "one class", "one class in 8 bits", "chance"],
)
def test_images_that_tell_nothing_are_named(answers: Answers, words: str) -> None:
    assert words in why_unmeasured(answers) and measure_confidence(answers, "test") is None


def test_validation_images_may_be_the_few_ones() -> None:
    assert "5 images are too few" in why_unmeasured(overconfident(500, 1.0), overconfident(5, 1.0))


@pytest.fixture
def dataset(spec: InputSpec) -> Dataset:
    """200 images, each of which has its number in its first pixel."""
    images = np.zeros((200, 28, 28, 1), np.uint8)
    images[:, 0, 0, 0] = np.arange(200)
    split = Split(images, np.arange(200) % 4)
    return Dataset("numbers", ("a", "b", "c", "d"), spec, split, split.take(40), "0" * 64, "made here")


def numbers(split: Split | None) -> list[int]:
    assert split is not None
    return [int(image[0, 0, 0]) for image in split.images]


def test_the_images_that_a_training_held_back_are_found_again_by_its_card(dataset: Dataset) -> None:
    training = Training("numbers", "0" * 64, "reference", "fast, validation_split 0.15, epochs 3", 7, 3, 200)
    expected = [int(row) for row in held_back(dataset.train.labels, 0.15, 7)[1]]
    assert numbers(validation_of_run(dataset, training)) == numbers(validation_of(dataset, 0.15, 7)) == expected
    assert validation_of_run(dataset, dataclasses.replace(training, recipe="fast")) is None
    few = dataclasses.replace(training, train_images=100)
    sampled = dataclasses.replace(dataset, train=dataset.train.sample(100))
    assert numbers(validation_of_run(dataset, few)) == numbers(validation_of(sampled, 0.15, 7))


def test_validation_images_of_the_data_set_itself_come_first(dataset: Dataset) -> None:
    own = dataclasses.replace(dataset, validation=dataset.train.take(9))
    assert numbers(validation_of(own, 0.0, 0)) == list(range(9))


@pytest.mark.parametrize(
    ("images", "wanted"), [(20, 0.1), (49, 0.05), (61, 0.05), (110, 0.02), (123, 0.02), (124, 0.01)]
)
def test_a_network_without_mistakes_is_recommended_a_score_whatever_the_number_of_images(
    images: int, wanted: float
) -> None:
    # A share that all images allow, one in a hundred of 99, four fifths of them do not: the next one then.
    labels = np.arange(images) % 3
    probabilities = np.where(np.eye(3)[labels] > 0, 0.96, 0.02)
    found = measure_confidence(Answers(probabilities, labels), "test")
    assert found and (found.wanted_error, found.min_score, found.coverage, found.error) == (wanted, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(("images", "wrong"), [(20, 1), (30, 2), (40, 3), (60, 4)])
def test_a_score_that_only_some_of_the_images_find_is_none(images: int, wrong: int) -> None:
    labels = np.arange(images) % 4
    best = np.where(np.arange(images) < wrong, (labels + 1) % 4, labels)  # as sure as of the right ones
    found = measure_confidence(Answers(np.full((images, 4), 0.02, np.float32) + np.eye(4)[best] * 0.92, labels), "test")
    assert found and (found.min_score, found.coverage, found.error) == (None, None, None)
    assert found.wanted_error is None or "too few to choose a score" in found.why_no_score
