"""Recipes: how a network is trained, by name."""

import dataclasses
import math
import warnings
from dataclasses import InitVar, dataclass
from typing import Any, Literal, get_args

from edgecnn.arguments import is_number, is_whole, require_choice
from edgecnn.errors import EdgecnnWarning, InputError

Optimizer = Literal["adam", "muon"]
Augmentation = Literal["flip", "shift", "rotate", "zoom", "erase"]
AUGMENTATIONS: tuple[Augmentation, ...] = ("flip", "shift", "rotate", "zoom", "erase")
FARTHEST_SHIFT = 0.08  # share of an image's height or width


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    Attributes:
        name: what it is called, in the card too.
        epochs: passes over the training images, at most; above 0.
        batch_size: images a step; above 0.
        optimizer: `adam`, or `muon` (see ConvMuon).
        peak_learning_rate: of a one-cycle schedule: 20 % of the steps up, then down to 0 along a cosine; 0 leaves Adam
            at Keras' defaults, and is none for Muon.
        weight_decay: of Muon's matrices; decoupled, per unit of learning rate.
        bfloat16: compute in bfloat16 where the processor multiplies it natively; weights stay float32.
        augment: random changes of training images: mirror, move by up to 8 %, turn by up to 15 degrees, scale by up to
            10 %, blank a patch.
        dropout: share of inputs dropped before every Dense layer, 0 to below 1.
        l2: factor of the squared kernels that is added to the loss.
        label_smoothing: share of the target spread over all classes, 0 to below 1.
        validation_split: share of the training images, stratified, that is held back to choose the best epoch.
        early_stopping: end when the validation accuracy has not risen for this many epochs.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
        temperature: of distillation from a teacher: both sides' logits are divided by it.
        teacher_weight: share of the loss that follows the teacher instead of the labels.
        teacher_mixtures: sets of mixtures of two training images that the teacher is asked about too, if there is one;
            every second epoch trains on a set of them, see `edgecnn.train.distillation.Mixture`.
        frozen: for pretrained weights: the share of the network's layers, from the first, that keep theirs. The first
            epoch trains the last layer alone, on what all others make of the images as they are; the epochs after it
            train the rest of the layers too, batch normalisation excepted. None trains all layers in every epoch.
        first_layer: share of the steps, above 0 and at most 1, after which the first of several convolutions keeps its
            weights; a step without it takes two thirds of the time. With TensorFlow only.
        sixteen_bit: the name of `bfloat16` in 0.1; understood for one more version where a recipe is made.
    """

    name: str
    epochs: int
    batch_size: int
    optimizer: Optimizer
    peak_learning_rate: float = 0.0
    weight_decay: float = 0.004
    bfloat16: bool = False
    augment: tuple[Augmentation, ...] = ()
    dropout: float = 0.0
    l2: float = 0.0
    label_smoothing: float = 0.0
    validation_split: float = 0.0
    early_stopping: int | None = None
    stop_at_accuracy: float | None = None
    temperature: float = 3.0
    teacher_weight: float = 0.9
    teacher_mixtures: int = 0
    frozen: float | None = None
    first_layer: float = 1.0
    sixteen_bit: InitVar[bool | None] = None

    def __post_init__(self, sixteen_bit: bool | None) -> None:
        if sixteen_bit is not None:
            warnings.warn("a recipe's sixteen_bit is called bfloat16 now; use this name", EdgecnnWarning, stacklevel=3)
            object.__setattr__(self, "bfloat16", sixteen_bit)
        require_choice(self.optimizer, get_args(Optimizer), "optimizer")
        for name in ("dropout", "label_smoothing", "validation_split"):
            if not is_number(getattr(self, name)) or not 0 <= getattr(self, name) < 1:
                raise InputError(f"{name} must be 0 or more and below 1. Received: {getattr(self, name)}")
        for name in ("l2", "peak_learning_rate", "weight_decay"):
            if not is_number(getattr(self, name)) or not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} must be 0 or more. Received: {getattr(self, name)}")
        if self.optimizer == "muon" and not self.peak_learning_rate:
            raise InputError("muon needs a peak_learning_rate above 0, such as 8e-3. Received: 0")
        if not all(is_whole(number) and number >= 1 for number in (self.epochs, self.batch_size)):
            raise InputError(f"epochs and batch_size must be above 0. Received: {self.epochs}, {self.batch_size}")
        unknown = set(self.augment) - set(AUGMENTATIONS)
        if unknown:
            raise InputError(f"unknown augmentation {', '.join(sorted(unknown))}; known: {', '.join(AUGMENTATIONS)}")
        if self.stop_at_accuracy is not None and not _is_share(self.stop_at_accuracy, above=0):
            raise InputError(f"stop_at_accuracy must be above 0 and at most 1. Received: {self.stop_at_accuracy}")
        if self.early_stopping is not None and not (is_whole(self.early_stopping) and self.early_stopping >= 1):
            raise InputError(f"early_stopping must be 1 epoch or more. Received: {self.early_stopping}")
        if not is_whole(self.teacher_mixtures) or self.teacher_mixtures < 0:
            raise InputError(f"teacher_mixtures must be 0 or more. Received: {self.teacher_mixtures}")
        if self.frozen is not None and not _is_share(self.frozen):
            raise InputError(f"frozen must be 0 to 1. Received: {self.frozen}")
        if not _is_share(self.first_layer, above=0):
            raise InputError(f"first_layer must be above 0 and at most 1. Received: {self.first_layer}")
        if not is_number(self.temperature) or self.temperature <= 0 or not _is_share(self.teacher_weight):
            received = f"{self.temperature}, {self.teacher_weight}"
            raise InputError(f"temperature must be above 0 and teacher_weight 0 to 1. Received: {received}")


def _is_share(value: object, above: float = -1.0) -> bool:
    """Whether `value` is a number from 0 to 1, and above `above`."""
    return is_number(value) and above < value and 0 <= value <= 1


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
            epochs=2,
            batch_size=128,
            optimizer="muon",
            peak_learning_rate=8e-3,
            bfloat16=True,
            label_smoothing=0.05,
            first_layer=0.25,
        ),
        Recipe(
            name="best",
            epochs=62,
            batch_size=128,
            optimizer="muon",
            peak_learning_rate=5e-3,
            weight_decay=0.05,
            bfloat16=True,
            augment=("flip",),
            dropout=0.1,
            teacher_mixtures=8,
        ),
        Recipe(
            name="transfer",
            epochs=11,
            batch_size=32,
            optimizer="adam",
            peak_learning_rate=1e-4,
            augment=("flip", "shift", "zoom"),
            dropout=0.2,
            label_smoothing=0.1,
            frozen=0.65,
        ),
    )
}


def default_recipe(weights: str | None) -> str:
    """The name of the recipe for a network that starts from `weights`; None are random ones."""
    return "transfer" if weights else "fast"


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`.

    Raises:
        InputError: no such recipe; the message lists the known ones.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe {name!r}; known: {', '.join(RECIPES)}")
    return RECIPES[name]


def change_recipe(recipe: Recipe, **changes: Any) -> Recipe:
    """`recipe` with other values for some fields; its name, and so the card, says which.

    Raises:
        InputError: a value is out of its range.
    """
    words = (f"{name} {' '.join(value) if isinstance(value, tuple) else value}" for name, value in changes.items())
    return dataclasses.replace(recipe, name=", ".join([recipe.name, *words]), **changes)
