"""Recipes: how a network is trained, by name."""

from dataclasses import dataclass
from typing import Literal

from edgecnn.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: passes over the training images, at most.
        optimizer: `adam` with Keras' defaults, or `muon` (see ConvMuon) with a one-cycle learning rate.
        peak_learning_rate: of the one-cycle schedule: 20 % of the steps up, then down to 0 along a cosine.
        sixteen_bit: compute in bfloat16 where the processor multiplies it natively; weights stay float32.
        flip: mirror images left to right at random.
        dropout: share of inputs dropped before every Dense layer.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
    """

    name: str
    description: str
    epochs: int
    batch_size: int
    optimizer: Literal["adam", "muon"]
    peak_learning_rate: float = 0.0
    sixteen_bit: bool = False
    flip: bool = False
    dropout: float = 0.0
    stop_at_accuracy: float | None = None


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="notebook",
            description="the tutorial's own training: Adam, batch 32, until 98 % training accuracy; overfits",
            epochs=30,
            batch_size=32,
            optimizer="adam",
            stop_at_accuracy=0.98,
        ),
        Recipe(
            name="fast",
            description="a few one-cycle epochs with Muon",
            epochs=4,
            batch_size=256,
            optimizer="muon",
            peak_learning_rate=5e-3,
            sixteen_bit=True,
        ),
        Recipe(
            name="best",
            description="24 one-cycle epochs with Muon, flips and dropout",
            epochs=24,
            batch_size=256,
            optimizer="muon",
            peak_learning_rate=5e-3,
            sixteen_bit=True,
            flip=True,
            dropout=0.25,
        ),
    )
}


def get(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        InputError: no such recipe; the message lists the known ones.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]
