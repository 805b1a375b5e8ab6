"""When a training ends, what it holds back, and whose say it weighs."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn import EdgecnnError, InputError
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import RECIPES, TrainingRun, train
from tests.support import own_architectures

# Of a tenth of the computing: none of this is about the reference network.
OWN = f"{own_architectures.__file__}:normalised"


def test_training_stops_after_the_first_epoch_that_reaches_the_accuracy(tiny: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny, train=tiny.train.take(150))
    run = train(tmp_path / "run", few, recipe="notebook", architecture=OWN, epochs=60)
    accuracies = [epoch.accuracy for epoch in run.history]
    assert accuracies[-1] >= 0.98 and max(accuracies[:-1]) < 0.98
    again = train(tmp_path / "again", few, recipe="fast", architecture=OWN, epochs=60, stop_at_accuracy=0.5)
    assert [epoch.accuracy >= 0.5 for epoch in again.history].index(True) == len(again.history) - 1
    assert run.card.training and run.card.training.epochs == len(accuracies) < 60


def test_validation_images_are_held_back_stratified_and_choose_the_epoch(uninterrupted: TrainingRun) -> None:
    accuracies = [epoch.validation_accuracy for epoch in uninterrupted.history]
    assert None not in accuracies and uninterrupted.card.training
    assert uninterrupted.card.training.epochs == accuracies.index(max(accuracies, key=lambda a: a or 0)) + 1


def test_a_validation_split_that_holds_back_nothing_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    few = dataclasses.replace(tiny, train=tiny.train.sample(30))
    with pytest.raises(InputError, match="holds back none of 30 images"):
        train(tmp_path / "run", few, recipe=dataclasses.replace(RECIPES["fast"], validation_split=0.01))


def test_early_stopping_ends_when_validation_no_longer_rises(tiny: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["notebook"], epochs=60, validation_split=0.2, early_stopping=2)
    run = train(tmp_path / "run", tiny, recipe=recipe, architecture=OWN)
    accuracies = [epoch.validation_accuracy or 0 for epoch in run.history]
    assert len(accuracies) < 60 and len(accuracies) - 1 - int(np.argmax(accuracies)) == 2


def test_a_loss_that_is_no_number_stops_and_says_where(tiny: Dataset, tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPES["fast"], peak_learning_rate=1e30, epochs=3)
    with pytest.raises(EdgecnnError, match=r"the loss is (nan|inf) at step \d+ of epoch \d"):
        train(tmp_path / "run", tiny, recipe=recipe)


def test_class_weights_help_the_rare_class(fashion: Dataset, tmp_path: Path) -> None:
    shirts = np.flatnonzero(fashion.train.labels == 6)[:20]
    others = np.flatnonzero(fashion.train.labels != 6)[:1000]
    rows = np.sort(np.concatenate([shirts, others]))
    train_split = Split(fashion.train.images[rows], fashion.train.labels[rows])
    rare = dataclasses.replace(fashion, train=train_split, test=fashion.test.take(1000))
    recalls = []
    for weighted in (False, True):
        run = train(tmp_path / str(weighted), rare, architecture=OWN, epochs=8, class_weights=weighted)
        recalls.append(run.evaluation.confusion[6, 6] / run.evaluation.confusion[6].sum())
    assert recalls[1] > recalls[0] + 0.1
