"""Images whose label looks wrong: by hand, and planted ones after a training."""

import numpy as np
import pytest

from edgecnn.convert import KerasModel
from edgecnn.train.report.mislabelled import find_mislabelled, margins
from tests.train.report.conftest import Planted


def test_an_image_counts_as_the_class_it_is_as_sure_of_as_images_with_that_label() -> None:
    # Images labelled 1 get 0.7 on average: the third image reaches that for class 1, the fourth does not.
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.2, 0.8], [0.4, 0.6], [0.8, 0.2]])
    labels = np.array([0, 1, 0, 0, 0])
    assert find_mislabelled(probabilities, labels).tolist() == [2]


def test_the_surest_comes_first_and_a_class_without_images_is_never_meant() -> None:
    probabilities = np.array([[0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0], [0, 0.1, 0.9], [0.9, 0.1, 0]])
    labels = np.array([0, 0, 1, 1, 0])
    assert find_mislabelled(probabilities, labels).tolist() == [0, 1]
    margin, other = margins(probabilities, labels)
    assert margin == pytest.approx([-0.8, -0.6, 0.4, -0.8, 0.8]) and other.tolist() == [1, 1, 0, 2, 1]


@pytest.mark.parametrize("split", ["test", "train"])
def test_planted_labels_stand_out(split: str, planted: Planted) -> None:
    part = planted.dataset.test if split == "test" else planted.dataset.train
    rows = planted.test_rows if split == "test" else planted.train_rows
    probabilities = KerasModel(planted.run.model_path).predict_all(part.images)
    margin, _ = margins(probabilities, part.labels)
    wrong = np.zeros(len(part), bool)
    wrong[rows] = True
    # The area under the ROC curve: how often a planted one looks worse than one of the others.
    area = (margin[wrong][:, None] < margin[~wrong][None]).mean()
    assert area > 0.9
    # By chance one in twenty of those that are named first would be planted.
    first = find_mislabelled(probabilities, part.labels)[: len(rows)]
    assert len(first) >= 0.5 * len(rows) and np.isin(first, rows).mean() > 0.3
