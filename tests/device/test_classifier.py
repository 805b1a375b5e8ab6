"""The classifier answers as the model does, whatever the image comes as."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import InputError
from edgecnn.device import Classifier
from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.dataset import Dataset


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("fashion-mnist")


def test_test_image_104_is_a_sneaker(classifier: Classifier, fashion: Dataset) -> None:  # R7 of the reference
    assert fashion.test.labels[104] == 7
    (prediction,) = classifier.classify(fashion.test.images[104])
    assert (prediction.label, prediction.index) == ("Sneaker", 7)


@pytest.mark.parametrize("path", sample_images(), ids=lambda path: path.stem)
def test_samples_are_classified_as_the_test_set_says(classifier: Classifier, path: Path, fashion: Dataset) -> None:
    true = fashion.labels[fashion.test.labels[int(path.name[5:9])]]
    assert classifier.classify(path)[0].label == true


def test_path_picture_and_array_give_the_same_answer(classifier: Classifier, fashion: Dataset, tmp_path: Path) -> None:
    array = fashion.test.images[45]
    image = Image.fromarray(array[:, :, 0])
    image.save(tmp_path / "shoe.png")
    answers = {classifier.classify(source, top=10) for source in (array, array[:, :, 0], image, tmp_path / "shoe.png")}
    assert len(answers) == 1


def test_all_scores_are_ranked_and_sum_to_one(classifier: Classifier, fashion: Dataset) -> None:
    ranked = classifier.classify(fashion.test.images[45], top=10)
    scores = [prediction.score for prediction in ranked]
    assert scores == sorted(scores, reverse=True) and len({p.label for p in ranked}) == 10
    assert sum(scores) == pytest.approx(1, abs=10 / 256)  # each of ten is rounded to 1/256


def test_ties_are_in_label_order(classifier: Classifier, fashion: Dataset) -> None:
    images = fashion.test.images[:300]
    surest = int((classifier.predict_all(images) == 0).sum(axis=1).argmax())
    ranked = classifier.classify(images[surest], top=10)
    tied = [prediction.index for prediction in ranked if prediction.score == 0]
    assert len(tied) > 2 and tied == sorted(tied)


def test_one_by_one_and_all_at_once_agree(classifier: Classifier, fashion: Dataset) -> None:
    images = fashion.test.images[:50]
    together = classifier.predict_all(images)
    np.testing.assert_array_equal(together, np.stack([classifier.probabilities(image) for image in images]))


def test_answers_do_not_share_memory(classifier: Classifier, fashion: Dataset) -> None:
    first = classifier.probabilities(fashion.test.images[0])
    kept = first.copy()
    classifier.probabilities(fashion.test.images[1])
    np.testing.assert_array_equal(first, kept)


def test_more_threads_give_the_same_answer(classifier: Classifier, fashion: Dataset) -> None:
    images = fashion.test.images[:50]
    np.testing.assert_array_equal(
        Classifier("fashion-mnist", threads=2).predict_all(images), classifier.predict_all(images)
    )


@pytest.mark.parametrize("top", [0, -1])
def test_no_class_at_all_is_refused(classifier: Classifier, fashion: Dataset, top: int) -> None:
    with pytest.raises(InputError, match="top must be 1 or more"):
        classifier.classify(fashion.test.images[0], top=top)


@pytest.mark.parametrize("pixels", [np.zeros((28, 28, 1)), np.zeros((28, 28), np.uint8), np.zeros((5, 5, 1), np.uint8)])
def test_pixels_that_are_not_prepared_are_refused(classifier: Classifier, pixels: np.ndarray) -> None:
    for method in (classifier.probabilities, classifier.predict_all):
        with pytest.raises(InputError, match="prepared pixels must be uint8 of shape"):
            method(pixels)
    with pytest.raises(InputError, match="prepared pixels must be uint8 of shape"):
        classifier.probabilities(np.zeros((2, 28, 28, 1), np.uint8))
    with pytest.raises(InputError, match="prepared pixels must be uint8 of shape"):
        classifier.predict_all(np.zeros((28, 28, 1), np.uint8))


def test_unknown_inversion_is_refused(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="invert must be no, yes or auto"):
        classifier.classify(sample_images()[0], invert="Yes")  # type: ignore[arg-type]


def test_evaluation_counts_right_answers(classifier: Classifier, fashion: Dataset) -> None:
    evaluation = classifier.evaluate(fashion.test.take(300))
    right = sum(classifier.classify(fashion.test.images[i])[0].index == fashion.test.labels[i] for i in range(300))
    assert evaluation.accuracy == right / 300 and evaluation.confusion.trace() == right


def test_float_array_is_refused_and_not_guessed_at(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="must be uint8"):
        classifier.classify(np.zeros((28, 28, 1)))  # type: ignore[arg-type]
