"""Which images the report asks about, and what they are called."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from edgecnn.pixels.dataset import Dataset, Images, held_back
from edgecnn.train.report.answers import answer, answer_rest
from edgecnn.validation_images import held_share_of


def predict(images: Images) -> npt.NDArray[np.float32]:
    """A score for each image that tells which one it was asked about."""
    return np.stack([[image.sum(), 1.0] for image in images]).astype(np.float32)


def assert_asked_about(rows: npt.NDArray[np.int64], images: Images, scores: npt.NDArray[np.float32]) -> None:
    assert np.array_equal(scores[:, 0], [np.float32(images[row].sum()) for row in rows])


@pytest.fixture
def dataset(fashion: Dataset) -> Dataset:
    train = dataclasses.replace(fashion.train.take(200), names=tuple(f"{row}.png" for row in range(200)))
    return dataclasses.replace(fashion, train=train, test=fashion.test.take(50))


def test_of_many_images_every_class_has_its_share_and_each_keeps_its_number(fashion: Dataset) -> None:
    asked = answer("test", fashion.test.take(500), predict, most=40)
    assert len(asked.rows) == 40 and asked.whole == 500
    assert np.bincount(asked.split.labels).tolist() == [4] * 10
    assert_asked_about(asked.rows, fashion.test.images, asked.probabilities)
    assert asked.name_of(7) == f"test image {asked.rows[7]}"


def test_images_that_the_training_held_back_are_told_apart(dataset: Dataset) -> None:
    held, training = answer_rest(dataset, predict, held_share=0.2, seed=5)
    kept_rows, held_rows = held_back(dataset.train.labels, 0.2, 5)
    assert (held.name, training.name) == ("validation", "training")
    assert np.array_equal(held.rows, held_rows) and np.array_equal(training.rows, kept_rows)
    assert_asked_about(held_rows, dataset.train.images, held.probabilities)
    assert held.name_of(3) == f"{held_rows[3]}.png"  # files are called by their names
    nameless = dataclasses.replace(held, split=dataclasses.replace(held.split, names=()))
    assert nameless.name_of(3) == f"training image {held_rows[3]}"


def test_without_any_held_back_there_are_training_images_alone(dataset: Dataset) -> None:
    (training,) = answer_rest(dataset, predict, most=30)
    assert training.whole == 200 and len(training.rows) == 30
    own = answer_rest(dataclasses.replace(dataset, validation=dataset.test), predict)
    assert [one.name for one in own] == ["validation", "training"] and len(own[0].rows) == 50


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ("fast", 0),
        ("fast, epochs 4, validation_split 0.15", 0.15),
        ("best, validation_split 0.2, weights a.keras", 0.2),
    ],
)
def test_the_card_says_how_many_were_held_back(words: str, share: float) -> None:
    assert held_share_of(words) == share
