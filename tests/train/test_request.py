"""A request holds what train and estimate take as keywords, and refuses what cannot be before anything is loaded."""

import dataclasses
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from edgecnn import InputError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import RECIPES, estimate, train
from edgecnn.train.backbones import BACKBONES
from edgecnn.train.recipes import change_recipe
from edgecnn.train.request import TrainingOptions, TrainingRequest, complete_request, require_images
from edgecnn.validation_images import held_share_of

HELD = dataclasses.replace(RECIPES["fast"], name="mine", validation_split=0.2)
TRANSFER: TrainingOptions = {"recipe": "transfer", "weights": "w.h5"}


def test_a_request_and_the_keywords_have_the_same_fields() -> None:
    assert get_type_hints(TrainingOptions) == get_type_hints(TrainingRequest)


def test_keywords_stand_in_place_of_a_requests_fields() -> None:
    request = TrainingRequest(architecture="compact", seed=3)
    assert complete_request(request, {"seed": 4}) == TrainingRequest(architecture="compact", seed=4)
    assert complete_request(None, {}) == TrainingRequest()


def test_the_recipe_has_the_requests_own_numbers() -> None:
    recipe = TrainingRequest(recipe="notebook", epochs=7, stop_at_accuracy=0.9).final_recipe()
    expected = dataclasses.replace(RECIPES["notebook"], name=recipe.name, epochs=7, stop_at_accuracy=0.9)
    assert recipe == expected and recipe.name == "notebook, epochs 7, stop_at_accuracy 0.9"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "fast"),
        ({"epochs": 1}, "fast, epochs 1"),
        (
            {"class_weights": True, "teacher": Path("large/model.keras")},
            "fast, class weights, teacher model.keras",
        ),
        ({"teacher": "residual"}, "fast, teacher residual"),
        ({"recipe": HELD}, "mine, validation_split 0.2"),
        ({"recipe": change_recipe(RECIPES["fast"], validation_split=0.1)}, "fast, validation_split 0.1"),
        (
            {"recipe": dataclasses.replace(change_recipe(RECIPES["fast"], validation_split=0.1), validation_split=0.3)},
            "fast, validation_split 0.1, validation_split 0.3",
        ),
    ],
)
def test_the_card_is_told_what_was_changed_and_added(options: TrainingOptions, words: str) -> None:
    request = complete_request(None, options)
    assert request.recipe_words() == words
    assert held_share_of(words) == request.final_recipe().validation_split


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"teacher": ""}, "the teacher's name is empty"),
        ({"distributed": True, "teacher": "residual"}, "needs a teacher that is trained already"),
        (
            {
                "recipe": change_recipe(RECIPES["transfer"], augment=("flip",), l2=1e-5),
                "weights": "w.h5",
                "freeze": "all",
            },
            "augment, l2 would change nothing; leave it out",
        ),
        (
            {"recipe": change_recipe(RECIPES["transfer"], epochs=3), "weights": "w.h5", "freeze": "all"},
            r"with freeze all one epoch trains all there is\. Received: epochs=3",
        ),
        (
            {**TRANSFER, "recipe": change_recipe(RECIPES["transfer"], epochs=11), "freeze": "all"},
            r"with freeze all one epoch trains all there is\. Received: epochs=11",
        ),
        (
            {
                **TRANSFER,
                "recipe": change_recipe(RECIPES["transfer"], augment=("flip", "shift", "zoom")),
                "freeze": "all",
            },
            "with freeze all only .*: augment would change nothing; leave it out, or freeze fewer layers",
        ),
        (
            {
                **TRANSFER,
                "recipe": change_recipe(RECIPES["transfer"], augment=("rotate",), early_stopping=3, l2=0.1),
                "epochs": 1,
            },
            "with one epoch only .*: augment, l2, early_stopping would change nothing; .* train for more epochs",
        ),
        ({**TRANSFER, "stop_at_accuracy": 0.9, "epochs": 1, "freeze": 0}, "with one epoch only .* stop_at_accuracy"),
        ({"resume": True, "force": True}, "resume goes on with the training that force replaces; leave one"),
    ],
)
def test_what_cannot_be_is_refused(options: TrainingOptions, message: str) -> None:
    with pytest.raises(InputError, match=message):
        complete_request(None, options)


def test_what_asks_for_nothing_is_not_idle() -> None:
    mine = dataclasses.replace(RECIPES["transfer"], name="mine", augment=(), l2=0.0)
    for options in ({"epochs": 1}, {"freeze": "all"}, {"freeze": "all", "epochs": 1}, {"epochs": 11}):
        complete_request(None, {**TRANSFER, **options})  # type: ignore[typeddict-item]
        complete_request(None, {**TRANSFER, "recipe": dataclasses.replace(mine, epochs=1), "freeze": "all"})


def test_a_teacher_with_imagenet_weights_is_fed_what_they_know(small: Dataset) -> None:
    words = "mobilenet_v2 cannot be trained as teacher along with this network, .* give residual as teacher, or train"
    with pytest.raises(InputError, match=words):
        require_images(TrainingRequest(teacher="mobilenet_v2"), small)
    values = BACKBONES["mobilenet_v2"].values
    fed = dataclasses.replace(
        small, input=dataclasses.replace(small.input, scale=values[0], offset=values[1], channels=3, colour="rgb")
    )
    require_images(TrainingRequest(teacher="mobilenet_v2"), fed)
    require_images(TrainingRequest(teacher="mobilenet_v2.keras"), small)
    require_images(TrainingRequest(teacher="residual"), small)


def test_an_unknown_keyword_is_refused_by_name(small: Dataset, tmp_path: Path) -> None:
    wrong: dict[str, Any] = {"epoch": 3}
    with pytest.raises(TypeError, match="epoch"):
        train(tmp_path / "run", small, **wrong)


@pytest.mark.parametrize("option", [{"teacher": "residual"}, {"devices": True}, {"distributed": True}])
def test_an_estimate_of_more_than_one_training_is_refused(option: TrainingOptions, small: Dataset) -> None:
    with pytest.raises(InputError, match="an estimate is of a training on one device"):
        estimate(small, **option)


def test_images_to_choose_the_epoch_by_are_held_back_or_brought_along_not_both(small: Dataset) -> None:
    brought = dataclasses.replace(small, name="mine", validation=small.test)
    held = dataclasses.replace(RECIPES["fast"], validation_split=0.1)
    with pytest.raises(InputError, match="mine has validation images of its own; leave the validation split out"):
        estimate(brought, recipe=held)
    early = dataclasses.replace(RECIPES["fast"], early_stopping=2)
    with pytest.raises(InputError, match="early stopping needs images to judge by; add a validation split, such as"):
        estimate(small, recipe=early)
    require_images(TrainingRequest(recipe=early), brought)
    require_images(TrainingRequest(recipe=dataclasses.replace(held, early_stopping=2)), small)
