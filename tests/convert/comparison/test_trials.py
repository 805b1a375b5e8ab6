"""Of several ways to feed a network, the one that is named is surely better, and changes no more than it must."""

from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn.arrays import Pixels
from edgecnn.convert import Preprocessing, adopt
from edgecnn.convert.comparison.trials import Trial, better_trial, other_statistics
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.pixels.dataset import Split
from edgecnn.run_directory import RunDirectory

COUNT, CLASSES = 80, 4
LABELS = np.arange(COUNT) % CLASSES
IMAGES = Split(np.zeros((COUNT, 4, 4, 3), np.uint8), LABELS)


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> KerasNetwork:
    """A network that says the first class of every image: a quarter is right."""
    folder = tmp_path_factory.mktemp("same")
    layers = [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(CLASSES, "softmax")]
    model = keras.Sequential(layers)
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    model.save(folder / "same.keras")
    run = RunDirectory(
        adopt(folder / "same.keras", ("a", "b", "c", "d"), folder / "run", Preprocessing(scale=(1 / 255,)))
    )
    return KerasNetwork.load(run.model, run.read_card())


def answers(*wrong: int) -> np.ndarray:
    """Probabilities that are right but for these images."""
    rows = np.eye(CLASSES, dtype=np.float32)[LABELS]
    rows[list(wrong)] = np.roll(rows[list(wrong)], 1, axis=1)
    return rows


def chosen(network: KerasNetwork, *trials: tuple[str, np.ndarray, str]) -> str | None:
    made = [Trial("input", how, lambda _, rows=rows: rows, simpler) for how, rows, simpler in trials]  # type: ignore[misc]
    found = better_trial(IMAGES, network.predict(np.asarray(IMAGES.images)), made)
    return found.words if found else None


def test_the_best_of_those_that_are_surely_better_is_named(same: KerasNetwork) -> None:
    found = chosen(same, ("A", answers(*range(20)), ""), ("B", answers(3), ""), ("C", answers(*range(40)), ""))
    assert found == "B 98.8% of 80 images are right, now 25.0%"


def test_what_changes_more_must_be_surely_better_than_what_changes_less(same: KerasNetwork) -> None:
    little = chosen(same, ("A", answers(1, 2, 3), ""), ("A and B", answers(1), "A"))
    assert little is not None and little.startswith("A 96.2%")
    much = chosen(same, ("A", answers(*range(0, 60, 3)), ""), ("A and B", answers(1), "A"))
    assert much is not None and much.startswith("A and B 98.8%")


def test_what_is_better_by_chance_is_not_named(same: KerasNetwork) -> None:
    right_of_first = np.flatnonzero(LABELS != 0)[4:]
    assert chosen(same, ("A", answers(*right_of_first), ""), ("B", answers(*range(COUNT)), "")) is None


def test_where_nothing_can_be_surely_better_nothing_is_tried() -> None:
    def never(_: Pixels) -> np.ndarray:
        raise AssertionError("tried")

    assert better_trial(IMAGES, answers(7), [Trial("input", "A", never)]) is None
    with pytest.raises(AssertionError, match="tried"):
        better_trial(IMAGES, answers(*range(4)), [Trial("input", "A", never)])


@pytest.mark.parametrize(
    ("scale", "is_trained", "words"),
    [  # half of the images are black, the others 200 times the scale
        (1.0, False, "in 1 layer; these images give norm means of 100 to 100 and variances of 1e+04 to 1e+04"),
        (1.0, True, ""),
        (0.01, False, ""),  # mean 1 and variance 1: much the same
    ],
)
def test_what_images_give_to_layers_that_were_never_trained_is_told(
    scale: float, is_trained: bool, words: str, tmp_path: Path
) -> None:
    layers = keras.layers
    norm = layers.BatchNormalization(name="norm")
    model = keras.Sequential([keras.Input((4, 4, 3)), norm, layers.Flatten(), layers.Dense(2, "softmax")])
    if is_trained:
        norm.moving_mean.assign([0.5, 0.5, 0.5])
    model.save(tmp_path / "model.keras")
    run = RunDirectory(adopt(tmp_path / "model.keras", ("a", "b"), tmp_path / "run", Preprocessing(scale=(scale,))))
    images = np.repeat(np.array([0, 200], np.uint8), 5)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    told = other_statistics(KerasNetwork.load(run.model, run.read_card()), images)
    assert told == (words and f"batch normalisation has mean 0 and variance 1, as before any training, {words}")
