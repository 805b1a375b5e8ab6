"""The options of `edgecnn train` name what the library has."""

import dataclasses

import click
import pytest

from edgecnn.cli.commands.train import command
from edgecnn.cli.training_options import RecipeOptions, RunOptions
from edgecnn.train import RECIPES, Recipe
from edgecnn.train.recipes import AUGMENTATIONS
from edgecnn.train.request import TrainingRequest


def names(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def choices(option: str) -> set[str]:
    (parameter,) = (parameter for parameter in command.params if parameter.name == option)
    assert isinstance(parameter.type, click.Choice)
    return set(parameter.type.choices)


def test_every_recipe_and_augmentation_can_be_chosen() -> None:
    assert choices("recipe") == set(RECIPES)
    assert choices("augment") == set(AUGMENTATIONS)


@pytest.mark.parametrize(("bundle", "taken_by"), [(RecipeOptions, Recipe), (RunOptions, TrainingRequest)])
def test_bundled_options_are_fields_of_what_takes_them(bundle: type, taken_by: type) -> None:
    assert names(bundle) <= names(taken_by)


def test_changes_are_named_in_the_order_in_which_they_were_given() -> None:
    given = RecipeOptions(
        epochs=3,
        augment=("flip",),
        dropout=0.0,
        l2=None,
        label_smoothing=None,
        validation_split=None,
        early_stopping=None,
        stop_at_accuracy=None,
    )
    assert list(given.changes(["output", "dropout", "l2", "epochs", "augment"])) == ["dropout", "epochs", "augment"]
