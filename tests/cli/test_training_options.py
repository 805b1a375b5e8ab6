"""The options of `edgecnn train` name what the library has."""

import dataclasses
import re

import click
import pytest

from edgecnn.cli.commands.train import command
from edgecnn.cli.training_options import RecipeOptions, RequestOptions
from edgecnn.train import RECIPES, Recipe
from edgecnn.train.architectures import ARCHITECTURES
from edgecnn.train.backbones import BACKBONES
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


def test_the_help_names_every_network_and_backbones_that_there_are() -> None:
    (parameter,) = (parameter for parameter in command.params if parameter.name == "architecture")
    assert isinstance(parameter, click.Option) and parameter.help
    networks, backbones, own = parameter.help.split("; ")
    assert networks.split(", ") == list(ARCHITECTURES) and parameter.default == next(iter(ARCHITECTURES))
    named = set(re.findall(r"\w+_\w+", backbones))
    assert named and named <= set(BACKBONES) and "FILE.py:function" in own


def test_the_help_says_a_word_of_every_recipe() -> None:
    (parameter,) = (parameter for parameter in command.params if parameter.name == "recipe")
    assert isinstance(parameter, click.Option) and isinstance(parameter.type, click.Choice) and parameter.help
    words, _, _ = parameter.help.partition("[default")
    assert [part.partition(":")[0].strip() for part in words.split(";")] == list(parameter.type.choices)


@pytest.mark.parametrize(("bundle", "taken_by"), [(RecipeOptions, Recipe), (RequestOptions, TrainingRequest)])
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
