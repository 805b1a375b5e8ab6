"""Recipes are what their names say, and refuse numbers that cannot be."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from edgecnn import EdgecnnWarning, InputError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import RECIPES, Recipe, train
from edgecnn.train.recipes import change_recipe


def test_notebook_recipe_is_the_notebooks() -> None:
    recipe = RECIPES["notebook"]
    assert (recipe.optimizer, recipe.batch_size, recipe.epochs, recipe.stop_at_accuracy) == ("adam", 32, 30, 0.98)
    assert not (recipe.bfloat16 or recipe.augment or recipe.dropout or recipe.l2 or recipe.validation_split)


def test_unknown_recipe_lists_the_known_ones(small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown recipe 'slow'; known: notebook, fast, best"):
        train(tmp_path / "run", small, recipe="slow")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, a whole number. Received: 0"),
        ({"seed": -1}, "seed must be a whole number from 0 to .* Received: -1"),
        ({"seed": 2**32}, "seed must be a whole number from 0 to .* Received: 4294967296"),
        ({"stop_at_accuracy": 0.0}, "stop_at_accuracy must be above 0 and at most 1. Received: 0.0"),
        ({"stop_at_accuracy": 1.5}, "stop_at_accuracy must be above 0 and at most 1. Received: 1.5"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, Any], words: str, small: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        train(tmp_path / "run", small, **wrong)
    assert not (tmp_path / "run").exists()


def test_the_name_that_bfloat16_had_is_understood_for_one_more_version() -> None:
    with pytest.warns(EdgecnnWarning, match="sixteen_bit is called bfloat16 now"):
        recipe = Recipe("own", epochs=1, batch_size=32, optimizer="adam", sixteen_bit=True)
    assert recipe.bfloat16 and dataclasses.replace(recipe, epochs=2).bfloat16


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dropout", 1.0),
        ("label_smoothing", -0.1),
        ("validation_split", 1.0),
        ("l2", -1e-5),
        ("batch_size", 0),
        ("augment", ("mirror",)),
        ("early_stopping", 0),
        ("teacher_mixtures", -1),
        ("temperature", 0.0),
        ("teacher_weight", 1.5),
        ("optimizer", "sgd"),
        ("optimizer", "Adam"),
        ("peak_learning_rate", 0.0),  # with Muon
    ],
)
def test_values_out_of_range_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(InputError, match="augmentation" if field == "augment" else field):
        change_recipe(RECIPES["fast"], **{field: value})
