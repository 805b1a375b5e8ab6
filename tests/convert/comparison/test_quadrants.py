"""Networks that tell which quarter of an image is bright, fed wrongly or damaged: what is wrong with them is named."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn.convert import Preprocessing, adopt
from edgecnn.convert.comparison.suspicion import suspicions_of
from edgecnn.convert.comparison.trials import Trial, better_trial, input_trials
from edgecnn.convert.network.keras_network import KerasNetwork
from edgecnn.pixels.dataset import Split
from edgecnn.run_directory import RunDirectory
from edgecnn.sanity import Suspicion

COUNT, LABELS = 80, ("top left", "top right", "bottom left", "bottom right")
layers = keras.layers
Pixels = np.ndarray


def pictures() -> Split:
    """Of each class as many; in half of them the bright quarter has 200, in the others 80."""
    generator = np.random.default_rng(0)
    images, classes = generator.integers(0, 40, (COUNT, 4, 4, 3)).astype(np.uint8), np.arange(COUNT) % len(LABELS)
    for row, quarter in enumerate(classes):
        y, x = 2 * (quarter // 2), 2 * (quarter % 2)
        images[row, y : y + 2, x : x + 2] = 200 if row // 4 % 2 else 80
    return Split(images, classes)


def network(folder: Path, change: Callable[[keras.Model], None] = lambda _: None) -> KerasNetwork:
    """It adds up each quarter, of what is above the mean of what batch normalisation knows."""
    model = keras.Sequential(
        [keras.Input((4, 4, 3)), layers.BatchNormalization(name="norm"), layers.ReLU(name="relu"),
         layers.AveragePooling2D(2, name="pool"), layers.Flatten(), layers.Dense(4, "softmax", name="last")]
    )  # fmt: skip
    model.get_layer("norm").set_weights([np.ones(3), np.zeros(3), np.full(3, 0.15), np.full(3, 0.05)])
    model.get_layer("last").set_weights([np.repeat(np.eye(4), 3, axis=0), np.zeros(4)])
    change(model)
    model.save(folder / "quadrants.keras")
    run = RunDirectory(adopt(folder / "quadrants.keras", LABELS, folder / "run", Preprocessing(scale=(1 / 255,))))
    return KerasNetwork.load(run.model, run.read_card())


def suspected(folder: Path, change: Callable[[keras.Model], None], split: Split) -> tuple[Suspicion, ...]:
    changed = network(folder, change)
    return suspicions_of(changed, changed.predict(split.images), split)


def unchanged(_: keras.Model) -> None:
    """A network as it should be."""


def of_brighter_images(model: keras.Model) -> None:
    """What is not very bright does not reach the last layer: of the darker half of the images nothing does."""
    norm = model.get_layer("norm")
    norm.set_weights([*norm.get_weights()[:2], np.full(3, 0.5), np.full(3, 0.05)])


def without_weights(model: keras.Model) -> None:
    model.get_layer("last").set_weights([np.zeros((12, 4)), np.zeros(4)])


def dead(model: keras.Model) -> None:
    norm = model.get_layer("norm")
    norm.set_weights([np.ones(3), np.full(3, -1000.0), *norm.get_weights()[2:]])


def sure_of_one(model: keras.Model) -> None:
    """What its softmax takes differs from image to image, and is so large that it gives 1 and 0."""
    last = model.get_layer("last")
    last.set_weights([1000 * last.get_weights()[0], np.array([1e9, 0, 0, 0])])


def test_a_healthy_network_is_not_suspected(tmp_path: Path) -> None:
    assert suspected(tmp_path, unchanged, pictures()) == ()


def test_where_turned_images_are_another_order_of_the_labels_both_are_causes(tmp_path: Path) -> None:
    split = pictures()
    (found,) = suspected(tmp_path, unchanged, Split(np.asarray(split.images)[:, ::-1], split.labels))
    assert found.cause == "labels" and "the images are turned, mirrored or of other colours" in found.causes[2]
    assert "beside one of its training" in found.experiment


def test_negatives_are_told_by_the_option_that_makes_them(tmp_path: Path) -> None:
    split = pictures()
    (found,) = suspected(tmp_path, unchanged, Split(255 - np.asarray(split.images), split.labels))
    assert "with --input-range 1 0 100.0% of 80 images are right" in found.evidence
    assert found.causes[:2] == ("it was trained on what --input-range 1 0 makes", "these images are negatives")


def test_statistics_of_other_images_are_noticed_in_a_network_that_is_right_more_often_than_not(tmp_path: Path) -> None:
    (found,) = suspected(tmp_path, of_brighter_images, pictures())
    assert "with the statistics of these images 100.0% of 80 images are right, now 62.5%" in found.evidence
    assert any("are of other images than these" in cause for cause in found.causes)
    assert "how many images of its training are right" in found.experiment


@pytest.mark.parametrize(
    ("change", "words", "cause"),
    [
        (without_weights, "from layer last on every image gives the same values: all its weights are zero", "lost"),
        (dead, "from layer relu on every image gives the same values: zeros", "too high a learning rate"),
    ],
)
def test_the_layer_that_loses_the_image_is_named(
    change: Callable[[keras.Model], None], words: str, cause: str, tmp_path: Path
) -> None:
    (found,) = suspected(tmp_path, change, pictures())
    assert found.cause == "one class" and words in found.evidence
    assert any(cause in each for each in found.causes)
    assert sum(each.startswith("it is not fed as in training") for each in found.causes) <= 1, found.causes


def test_a_softmax_of_large_values_has_not_lost_the_image(tmp_path: Path) -> None:
    (found,) = suspected(tmp_path, sure_of_one, pictures())
    assert found.cause == "one class" and "from layer" not in found.evidence
    assert any("not fed as in training" in cause for cause in found.causes) and "--input-range" in found.experiment


@pytest.mark.parametrize(
    ("how", "turned"),
    [
        ("mirrored top to bottom", lambda images: images[:, ::-1]),
        ("turned to the left", lambda images: np.rot90(images, 3, (1, 2))),
    ],
)
def test_the_way_to_turn_images_back_is_found(how: str, turned: Callable[[Pixels], Pixels], tmp_path: Path) -> None:
    healthy, split = network(tmp_path), pictures()
    some = Split(turned(np.asarray(split.images)), split.labels)
    found = better_trial(some, healthy.predict(some.images), list(input_trials(healthy, everything=True)))
    assert found and found.trial.turns and found.words.startswith(f"with images {how} 100.0% of 80 images are right")


@pytest.mark.parametrize(("count", "is_told"), [(COUNT, False), (32, True)], ids=["enough", "few of each class"])
def test_what_an_order_of_the_labels_explains_better_is_no_other_input(
    count: int, is_told: bool, tmp_path: Path
) -> None:
    healthy, split = network(tmp_path), pictures()
    moved = Split(split.images[:count], (split.labels[:count] + 1) % len(LABELS))
    answers = np.eye(len(LABELS), dtype=np.float32)[np.where(np.arange(count) < 5 * count / 8, moved.labels, 0)]
    trial = Trial("input", "otherwise", lambda _: answers)
    assert (better_trial(moved, healthy.predict(moved.images), [trial]) is not None) == is_told
