"""What is said of overfitting rests on the saved model's own answers, and on enough of them."""

import numpy as np
import pytest

from edgecnn.pixels.dataset import Split
from edgecnn.train import TrainingRun
from edgecnn.train.overfitting import Fit
from edgecnn.train.report.answers import SplitAnswers, measure_fit


def answers(name: str, right: list[bool], labels: list[int], whole: int | None = None) -> SplitAnswers:
    """Of two classes; a wrong answer names the other one."""
    truth = np.array(labels, np.int64)
    predicted = np.where(right, truth, 1 - truth)
    split = Split(np.zeros((len(truth), 1, 1, 1), np.uint8), truth)
    return SplitAnswers(name, split, np.arange(len(truth)), np.eye(2, dtype=np.float32)[predicted], whole or len(truth))


@pytest.mark.parametrize(
    ("training", "images", "unseen", "unseen_images", "verdict"),
    [
        (0.98, 10_000, 0.90, 1000, "overfits: 98.0% on training images, 90.0% on test images; try --augment flip"),
        (0.98, 10_000, 0.97, 1000, "does not overfit: 98.0% on training images, 97.0% on test images"),
        (0.80, 1000, 0.90, 1000, "does not overfit: "),
        (1.00, 150, 0.95, 60, "overfits: "),
        (
            1.00,
            40,
            0.90,
            10,
            "may overfit or not: 100.0% on training images, 90.0% on test images; 10 test images are ",
        ),
        (1.00, 8, 1.00, 2, "may overfit or not: "),
    ],
)
def test_a_verdict_needs_a_gap_that_chance_does_not_make(
    training: float, images: int, unseen: float, unseen_images: int, verdict: str
) -> None:
    assert Fit(training, images, unseen, unseen_images, "test").verdict("fast").startswith(verdict)


@pytest.mark.parametrize(
    ("recipe", "advised", "not_advised"),
    [
        ("fast", "--augment flip, --dropout 0.25, --l2 1e-5, or more", "--early-stopping"),  # of two epochs
        ("fast, epochs 4", "--augment flip, --dropout 0.25, --l2 1e-5, --early-stopping 3", "--freeze"),
        ("notebook, epochs 3", "--augment flip, --dropout 0.25, --l2 1e-5, or more", "--early-stopping"),
        ("best, l2 1e-05", "try --early-stopping 3", "--dropout"),
        ("best, l2 1e-05, early_stopping 3", "more, and more different, training images help", "try"),
        ("best", "try --l2 1e-5, --early-stopping 3", "--augment"),
        ("my own", "--augment flip, --dropout 0.25, --l2 1e-5, --early-stopping 3", "--freeze"),
        ("notebook, augment shift, dropout 0.4", "--l2 1e-5", "--dropout"),
        ("transfer, weights imagenet", "try --freeze all, or more", "--augment"),
        ("transfer, weights imagenet, freeze all", "nothing but the last layer", "try"),
    ],
)
def test_what_the_recipe_does_already_is_not_advised(recipe: str, advised: str, not_advised: str) -> None:
    verdict = Fit(0.98, 1000, 0.8, 1000, "test").verdict(recipe)
    assert advised in verdict and not_advised not in verdict and "training images" in verdict


@pytest.mark.parametrize("name", ["test", "validation"])
def test_a_validation_split_is_advised_where_there_are_no_validation_images_yet(name: str) -> None:
    verdict = Fit(0.98, 1000, 0.8, 1000, name).verdict("notebook")
    assert "--early-stopping 3" in verdict and ("--validation-split" in verdict) == (name == "test")


def test_validation_images_count_before_test_images_and_before_those_held_back() -> None:
    test, held, own = (
        answers(name, [True] * n + [False], [0] * (n + 1)) for name, n in (("test", 1), ("v", 2), ("v", 3))
    )
    training = answers("training", [True] * 4, [0, 1, 0, 1])
    assert measure_fit([test, training]) == Fit(1.0, 4, 0.5, 2, "test", guessing=0.5)
    named = [SplitAnswers("validation", one.split, one.rows, one.probabilities, one.whole) for one in (own, held)]
    assert measure_fit([test, *named, training]) == Fit(1.0, 4, 0.75, 4, "validation", guessing=0.5)
    assert measure_fit([test]) is None


def test_a_sample_of_training_images_is_weighed_as_the_classes_of_the_unseen_ones_are() -> None:
    test = answers("test", [True] * 10, [0] * 9 + [1])
    training = answers("training", [True, True, False, False], [0, 0, 1, 1], whole=4000)
    fit = measure_fit([test, training])
    assert fit is not None and fit.training == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("right", "labels", "learned"),
    [
        ([True, False] * 20, [0, 1] * 20, False),  # all of one class
        ([True] * 30 + [False] * 10, [0] * 30 + [1] * 10, False),  # all of the class that most have
        ([True] * 30 + [False] * 10, [0, 1] * 20, True),
        ([True] * 36 + [False] * 24, [0, 1] * 30, None),  # 60 % may be chance, and may not
        ([True, False] * 4, [0, 1] * 4, None),  # too few to tell
    ],
)
def test_a_network_at_chance_has_learned_nothing(right: list[bool], labels: list[int], learned: bool | None) -> None:
    fit = measure_fit([answers("test", right, labels), answers("training", right, labels)])
    assert fit is not None and fit.has_learned is learned
    assert fit.verdict("fast").startswith("has learned nothing: ") == (learned is False)
    if learned is False:
        assert "try more --epochs, another --seed or another --architecture" in fit.verdict("fast")
        frozen = fit.verdict("transfer, weights imagenet, freeze all")
        assert "try a smaller --freeze or another --architecture" in frozen and "--epochs" not in frozen


def test_one_class_for_all_is_no_better_where_the_unseen_images_have_mostly_that_one() -> None:
    test = answers("test", [True] * 18 + [False] * 2, [0] * 18 + [1] * 2)
    fit = measure_fit([test, answers("training", [True, False] * 20, [0, 1] * 20, whole=4000)])
    assert fit is not None and fit.training == pytest.approx(0.9) and fit.has_learned is False


def test_a_run_says_what_the_saved_model_knows_not_what_the_epoch_counted(small_run: TrainingRun) -> None:
    assert small_run.fit is not None and small_run.fit.name == "test"
    assert f"{small_run.fit.training:.1%} on training images" in small_run.verdict
    assert (small_run.fit.training_images, small_run.fit.unseen) == (
        small_run.card.training.train_images if small_run.card.training else 0,
        small_run.evaluation.accuracy,
    )
