"""Whether a network knows its training images, and better than others, as the saved model itself shows."""

import math
from dataclasses import dataclass

from edgecnn.sanity import ENOUGH, lower_bound
from edgecnn.wilson import wilson_interval

from .recipes import RECIPES

_OVERFITTING = 0.03  # of accuracy: less than that costs nobody anything
_LITTLE = 0.05  # of accuracy more than by guessing
_TOO_VAGUE = 0.10  # images that leave room for a gap as wide as this tell nothing
_PATIENCE = 3  # epochs
_REMEDIES = {  # the recipe's field, and the option
    "augment": "--augment flip",
    "dropout": "--dropout 0.25",
    "l2": "--l2 1e-5",
    "early_stopping": f"--early-stopping {_PATIENCE}",
}
_TO_STOP_BY = " with --validation-split 0.1"
_MORE = "more, and more different, training images"


@dataclass(frozen=True)
class Fit:
    """Accuracies (0 to 1) of the saved model.

    While a network is trained, accuracy is measured otherwise: of weights that change, with dropout and augmentation,
    and normalised by each batch, not by the mean of many, which the first steps have not found yet.

    Attributes:
        training: on images that it was trained on, of which there are `training_images`.
        unseen: on images of the split `name`, of which there are `unseen_images`.
        name: `validation` or `test`.
        guessing: of the training images, what gives each class as often as the model does gets right by accident.
    """

    training: float
    training_images: int
    unseen: float
    unseen_images: int
    name: str
    guessing: float = 0.0

    @property
    def has_learned(self) -> bool | None:
        """Whether it does better on its own training images than guessing; None where they are too few to tell."""
        if lower_bound(round(self.training * self.training_images), self.training_images) > self.guessing:
            return True
        return False if self.training_images >= ENOUGH and self.training < self.guessing + _LITTLE else None

    @property
    def overfits(self) -> bool | None:
        """Whether it does; None where the images are too few to tell."""
        gap = self.training - self.unseen
        low, high = wilson_interval(self.training * self.training_images, self.training_images)
        lowest, highest = wilson_interval(self.unseen * self.unseen_images, self.unseen_images)
        # The interval of a difference (R. G. Newcombe, 1998).
        least = gap - math.hypot(self.training - low, highest - self.unseen)
        most = gap + math.hypot(high - self.training, self.unseen - lowest)
        if gap > _OVERFITTING and least > 0:
            return True
        return False if gap <= _OVERFITTING and most < _TOO_VAGUE else None

    def verdict(self, recipe: str) -> str:
        """One line that says whether it has learned anything and overfits, or that the images are too few to tell.

        Args:
            recipe: as the card has it; what it does already is not recommended.
        """
        figures = f"{self.training:.1%} on training images, {self.unseen:.1%} on {self.name} images"
        if self.has_learned is False:
            others = "a smaller --freeze" if "freeze all" in recipe else "more --epochs, another --seed"
            return (
                f"has learned nothing: {figures}, where guessing gets {self.guessing:.1%}; try {others} or another "
                "--architecture, and look whether the training images are in the right classes"
            )
        if self.overfits:
            return f"overfits: {figures}; {_remedies(recipe, self.name == 'validation')}"
        if self.overfits is False:
            return f"does not overfit: {figures}"
        return f"may overfit or not: {figures}; {self.unseen_images:,} {self.name} images are too few to tell"


def _remedies(recipe: str, validated: bool) -> str:
    """What this recipe has not tried yet; `validated` is a training that has images to choose its epoch by."""
    base = RECIPES.get(recipe.split(",")[0])
    if "freeze all" in recipe:
        return f"{_MORE} help: nothing but the last layer is trained"
    if base and base.frozen is not None:
        return f"try --freeze all, or {_MORE}"
    new = [
        option
        for field, option in _REMEDIES.items()
        if f", {field} " not in recipe and not (base and getattr(base, field))
    ]
    if _epochs(recipe) <= _PATIENCE and _REMEDIES["early_stopping"] in new:  # which could not stop anything
        new.remove(_REMEDIES["early_stopping"])
    if not validated and _REMEDIES["early_stopping"] in new:  # the last of them
        new[-1] += _TO_STOP_BY
    return f"try {', '.join([*new, f'or {_MORE}'])}" if new else f"{_MORE} help"


def _epochs(recipe: str) -> float:
    """How many epochs a recipe has at most, as the card names it; of one that nobody knows any number."""
    base, *changes = recipe.split(", ")
    changed = [change.removeprefix("epochs ") for change in changes if change.startswith("epochs ")]
    return int(changed[-1]) if changed else RECIPES[base].epochs if base in RECIPES else math.inf
