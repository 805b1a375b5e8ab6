"""Figures over labelled images, against sums that are done by hand."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgecnn import InputError, ModelFileError
from edgecnn.convert import KerasModel
from edgecnn.device import Classifier, Split
from edgecnn.metrics import (
    ClassFigures,
    best_order,
    class_figures,
    evaluate_probabilities,
    mean_of_known,
    most_confused,
)
from edgecnn.train import TrainingRun

# Five images of three classes; the third and the fifth are mistaken, the fifth surely so.
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.25, 0.25], [0.2, 0.2, 0.6], [1.0, 0.0, 0.0]], np.float32
)
LABELS = np.array([0, 1, 2, 2, 2], np.int64)


def test_accuracy_is_the_share_of_right_first_answers() -> None:
    found = evaluate_probabilities(PROBABILITIES, LABELS)
    assert (found.images, found.accuracy) == (5, 3 / 5)


def test_loss_is_mean_cross_entropy_and_a_probability_of_0_costs_no_infinity() -> None:
    expected = -(math.log(0.7) + math.log(0.8) + math.log(0.25) + math.log(0.6) + math.log(1e-7)) / 5
    assert evaluate_probabilities(PROBABILITIES, LABELS).loss == pytest.approx(expected, rel=1e-6)


def test_confusion_has_a_row_for_the_truth_and_a_column_for_the_answer() -> None:
    found = evaluate_probabilities(PROBABILITIES, LABELS).confusion
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [2, 0, 1]])
    assert found.dtype == np.int64


def test_most_confused_are_mistakes_alone_the_most_frequent_first() -> None:
    truth, answers = np.array([0, 0, 1, 1, 1, 2, 2], np.int64), [1, 1, 2, 1, 1, 1, 0]
    found = evaluate_probabilities(np.eye(3, dtype=np.float32)[answers], truth)
    assert most_confused(found, count=1) == [(0, 1, 2)]
    assert sorted(most_confused(found, count=9)[1:]) == [(1, 2, 1), (2, 0, 1), (2, 1, 1)]
    assert most_confused(evaluate_probabilities(np.eye(3, dtype=np.float32), np.arange(3))) == []


@pytest.mark.parametrize("classes", [2, 3, 7, 30])
@pytest.mark.parametrize("highest", [2, 50], ids=["many ties", "few ties"])
def test_best_order_is_that_of_scipy(classes: int, highest: int) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    for seed in range(20):
        matrix = np.random.default_rng(seed).integers(0, highest, (classes, classes))
        order = best_order(matrix)
        assert sorted(order) == list(range(classes))
        best = matrix[optimize.linear_sum_assignment(matrix, maximize=True)].sum()
        assert matrix[np.arange(classes), order].sum() == best


def test_classes_that_do_not_occur_stand_for_themselves() -> None:
    confusion = np.zeros((1000, 1000), np.int64)
    confusion[7, 900], confusion[900, 7], confusion[3, 3] = 5, 4, 1
    order = best_order(confusion)
    assert (order[7], order[900]) == (900, 7) and (np.delete(order, [7, 900]) == np.delete(range(1000), [7, 900])).all()


def test_class_figures_are_those_counted_by_hand() -> None:
    confusion = np.array([[6, 2, 0, 0], [1, 9, 0, 0], [3, 1, 0, 0], [0, 0, 0, 0]])
    first, second, third, fourth = class_figures(confusion)
    assert (first.images, first.precision, first.recall) == (8, 6 / 10, 6 / 8)
    assert second.f1 == pytest.approx(2 / (12 / 9 + 10 / 9))
    assert third == ClassFigures(4, None, 0.0, 0.0)  # never answered
    assert fourth == ClassFigures(0, None, None, None)


def test_a_mean_over_classes_leaves_out_what_is_not_known() -> None:
    assert mean_of_known([0.5, None, 1.0, 0.0]) == (0.5, 3)
    assert mean_of_known([None, None]) == (None, 0)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([9, 9], r"whole numbers of shape \(3,\). Received: int64 of shape \(2,\)"),
        ([[9], [9], [1]], r"Received: int64 of shape \(3, 1\)"),
        ([9.0, 9, 1], "Received: float64"),
        ([True, False, True], "Received: bool"),
        ([-1, -1, -1], "label -1 says that nobody knows"),
        ([9, 9, 10], "label 10 is not among the model's 10 classes"),
    ],
)
def test_labels_that_nothing_can_be_evaluated_with_are_a_sentence(labels: Any, words: str) -> None:
    images = np.zeros((3, 28, 28, 1), np.uint8)
    with pytest.raises(InputError, match=words):
        Classifier("fashion-mnist").evaluate(Split(images, np.array(labels)))


def test_of_no_images_nothing_is_evaluated() -> None:
    with pytest.raises(InputError, match="there are no images"):
        Classifier("fashion-mnist").evaluate(Split(np.zeros((0, 28, 28, 1), np.uint8), np.zeros(0, np.int64)))


def test_a_keras_model_is_evaluated_on_labelled_images_or_says_what_is_wrong(small_run: TrainingRun) -> None:
    model = KerasModel(small_run.model_path)
    for shape, labels, words in (
        ((0, 28, 28, 1), 0, "there are no images to evaluate on"),
        ((2, 28, 28, 1), 3, r"whole numbers of shape \(2,\)"),
        ((2, 20, 28, 1), 2, "20"),
    ):
        with pytest.raises(InputError, match=words):
            model.evaluate(Split(np.zeros(shape, np.uint8), np.zeros(labels, np.int64)))


def test_a_keras_model_that_gives_no_numbers_is_not_evaluated(small_run: TrainingRun, tmp_path: Path) -> None:
    import keras

    network = keras.models.load_model(small_run.model_path, compile=False)
    network.layers[-1].kernel.assign(np.full(network.layers[-1].kernel.shape, 3e38))  # finite, and sums of it are not
    network.save(tmp_path / "model.keras")
    shutil.copy(small_run.folder.card, tmp_path)
    model, images = KerasModel(tmp_path / "model.keras"), np.full((2, 28, 28, 1), 255, np.uint8)
    for ask in (model.predict_all, lambda some: model.evaluate(Split(some, np.array([0, 1])))):
        with pytest.raises(ModelFileError, match=r"model\.keras gives .* no numbers \(NaN\) for 2 of 2"):
            ask(images)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64])
def test_labels_of_any_whole_numbers_are_counted_alike(kind: Any) -> None:
    truth = np.arange(100)  # 100 classes: 99 * 100 is beyond eight bits
    answers = np.eye(100, dtype=np.float32)[::-1]
    expected = evaluate_probabilities(answers, truth)
    assert expected.confusion[99, 0] == 1
    found = evaluate_probabilities(answers, truth.astype(kind))
    assert np.array_equal(found.confusion, expected.confusion) and found.loss == expected.loss


def test_no_images_get_no_answers(small_run: TrainingRun) -> None:
    assert KerasModel(small_run.model_path).predict_all(np.zeros((0, 28, 28, 1), np.uint8)).shape == (0, 10)
