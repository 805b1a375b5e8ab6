"""A training learns, is reproducible, and says in its card how it was done."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError, InputError, ModelCard
from edgecnn.convert import KerasModel
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import TRAINING_FILES
from edgecnn.train import RECIPES, TrainingRun, train
from edgecnn.train.recipes import change_recipe
from tests.support.trainings import Interrupting, weights


def test_a_short_training_learns(small_run: TrainingRun) -> None:
    # 6,000 images, two epochs: 81.5 to 82.4 % over three seeds on all test images, give or take 1.2 on a thousand.
    assert small_run.evaluation.accuracy > 0.77


def test_card_fixes_labels_and_provenance(small_run: TrainingRun, small: Dataset) -> None:
    card = ModelCard.load(small_run.path / "card.json")
    assert card.labels == small.labels and card.input.shape == (28, 28, 1)
    assert card.training and (card.training.recipe, card.training.seed, card.training.epochs) == ("fast", 0, 2)
    assert card.training.test_accuracy == small_run.evaluation.accuracy


def test_card_says_how_the_recipe_was_changed(tiny: Dataset, small_run: TrainingRun, tmp_path: Path) -> None:
    changed = change_recipe(RECIPES["fast"], augment=("flip", "shift"), dropout=0.2)
    options: dict[str, Any] = {"epochs": 1, "teacher": small_run.model_path, "class_weights": True}
    run = train(tmp_path / "run", tiny, recipe=changed, **options)
    said = "fast, augment flip shift, dropout 0.2, epochs 1, class weights, teacher model.keras"
    assert run.card.training and run.card.training.recipe == said


@pytest.fixture(scope="module", params=["fast", "best", "notebook"])
def one_epoch(request: pytest.FixtureRequest, tiny: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainingRun:
    """A run of each recipe, of one epoch."""
    return train(tmp_path_factory.mktemp("one") / "run", tiny, recipe=request.param, epochs=1, seed=5)


def test_saved_network_is_the_bare_reference(one_epoch: TrainingRun) -> None:
    classes = [layer.layer for layer in KerasModel(one_epoch.model_path).layer_table()]
    assert classes == ["Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]


def test_same_seed_same_weights(one_epoch: TrainingRun, tiny: Dataset, tmp_path: Path) -> None:
    assert one_epoch.card.training
    recipe = one_epoch.card.training.recipe.partition(",")[0]
    same = train(tmp_path / "run", tiny, recipe=recipe, epochs=1, seed=5)
    assert weights(same) == weights(one_epoch)


def test_notebook_recipe_trains_to_the_same_weights_as_the_notebooks_own_lines(tiny: Dataset, tmp_path: Path) -> None:
    run = train(tmp_path / "run", tiny, recipe="notebook", epochs=2, seed=1)
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Conv2D(64, (3, 3), activation="relu"),
            keras.layers.MaxPooling2D(2, 2),
            keras.layers.Flatten(),
            keras.layers.Dense(128, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch in range(2):  # fit would shuffle in an order of its own
        order = np.random.default_rng([1, epoch]).permutation(len(tiny.train))
        model.fit(tiny.train.images[order] / 255.0, tiny.train.labels[order], batch_size=32, shuffle=False, verbose=0)
    for ours, theirs in zip(keras.models.load_model(run.model_path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_another_seed_gives_other_weights_and_force_keeps_the_old_run_until_there_are_some(
    tiny: Dataset, tmp_path: Path
) -> None:
    old = train(tmp_path / "run", tiny, recipe="notebook", epochs=1, seed=3)
    (old.path / "model.int8.tflite").write_bytes(b"of the old weights")
    before = weights(old)
    with pytest.raises(EdgecnnError, match="before the first epoch ended"):
        train(old.path, tiny, recipe="notebook", force=True, progress=Interrupting(1, 2))
    assert weights(old) == before and (old.path / "model.int8.tflite").exists()
    train(old.path, tiny, recipe="notebook", force=True, epochs=1, seed=4)
    assert weights(old) != before and {path.name for path in old.path.iterdir()} == set(TRAINING_FILES)


def test_a_data_set_without_images_is_refused(tiny: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have training and test images"):
        train(tmp_path / "run", dataclasses.replace(tiny, train=tiny.train.take(0)))
