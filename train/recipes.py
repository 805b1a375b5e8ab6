"""Recipes: how a network is trained, by name."""

from dataclasses import dataclass
from typing import Literal

from edgecnn.errors import InputError


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        name: what it is called, in the card too.
        epochs: passes over the training images, at most; above 0.
        batch_size: images a step; above 0.
        optimizer: `adam` with Keras' defaults, or `muon` (see ConvMuon) with a one-cycle learning rate.
        peak_learning_rate: of the one-cycle schedule: 20 % of the steps up, then down to 0 along a cosine.
        sixteen_bit: compute in bfloat16 where the processor multiplies it natively; weights stay float32.
        flip: mirror images left to right at random.
        dropout: share of inputs dropped before every Dense layer.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
    """

    name: str
    epochs: int
    batch_size: int
    optimizer: Literal["adam", "muon"]
    peak_learning_rate: float = 0.0
    sixteen_bit: bool = False
    flip: bool = False
    dropout: float = 0.0
    stop_at_accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise InputError(f"epochs and batch_size must be above 0. Received: {self.epochs}, {self.batch_size}")
        if not 0 <= self.dropout < 1:
            raise InputError(f"dropout must be 0 or more and below 1. Received: {self.dropout}")
        if self.stop_at_accuracy is not None and not 0 < self.stop_at_accuracy <= 1:
            raise InputError(f"stop_at_accuracy must be above 0 and at most 1. Received: {self.stop_at_accuracy}")


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="notebook",
            epochs=30,
            batch_size=32,
            optimizer="adam",
            stop_at_accuracy=0.98,
        ),
        Recipe(
            name="fast",
            epochs=4,
            batch_size=256,
            optimizer="muon",
            peak_learning_rate=5e-3,
            sixteen_bit=True,
        ),
        Recipe(
            name="best",
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
