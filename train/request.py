"""What a training is asked for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict

from edgecnn.arguments import require_count, require_path
from edgecnn.errors import InputError
from edgecnn.pixels.dataset import check_seed

from . import recipes
from .recipes import Recipe


class TrainingOptions(TypedDict, total=False):
    """The fields of `TrainingRequest`, as keywords of `train` and `estimate`; see there."""

    architecture: str
    recipe: str | Recipe
    seed: int
    epochs: int | None
    stop_at_accuracy: float | None
    teacher: str | Path | None
    class_weights: bool
    devices: bool
    distributed: bool
    resume: bool
    force: bool


@dataclass(frozen=True)
class TrainingRequest:
    """How a network is to be trained on a data set.

    Attributes:
        architecture: a name from `edgecnn.train.architectures`, or `FILE.py:function`.
        recipe: a name from `RECIPES`, or a recipe of your own.
        seed: of weights, shuffling and dropout; the same seed gives the same weights on the same machine.
        epochs: instead of the recipe's number; the learning-rate schedule is stretched to it.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
        teacher: a .keras file to distil from, or an architecture that is trained first, into the run's folder teacher.
        class_weights: weigh each class by the inverse of its share of the training images.
        devices: divide every batch among all accelerators of this computer, with JAX.
        distributed: divide every batch among the processes of a job, with JAX; see `devices/data_parallel.py`.
            Only process 0 writes files; all must be started with the same arguments and data.
        resume: go on after the last finished epoch of the training that the run directory holds, to the same weights.
        force: replace a run that is there, once the first epoch of this one has ended.

    Raises:
        InputError: a seed or a teacher that cannot be.
    """

    architecture: str = "reference"
    recipe: str | Recipe = "fast"
    seed: int = 0
    epochs: int | None = None
    stop_at_accuracy: float | None = None
    teacher: str | Path | None = None
    class_weights: bool = False
    devices: bool = False
    distributed: bool = False
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if not isinstance(self.architecture, str):
            raise InputError(f"architecture must be a name or FILE.py:function. Received: {self.architecture!r}")
        if not isinstance(self.recipe, str | Recipe):
            raise InputError(f"recipe must be a name or a Recipe. Received: {self.recipe!r}")
        if self.epochs is not None:
            require_count(self.epochs, "epochs")
        if self.stop_at_accuracy is not None and not isinstance(self.stop_at_accuracy, int | float):
            raise InputError(f"stop_at_accuracy must be a number. Received: {self.stop_at_accuracy!r}")
        if self.teacher is not None:
            require_path(self.teacher, "a teacher")
        if self.teacher is not None and not str(self.teacher):
            raise InputError("the teacher's name is empty; give a .keras file or an architecture, or leave it out")
        if self.distributed and self.teacher and Path(self.teacher).suffix != ".keras":
            raise InputError("a job of several processes needs a teacher that is trained already; give its .keras file")

    @property
    def replaces(self) -> bool:
        """Whether the run directory may hold a run already."""
        return self.force or self.resume

    def final_recipe(self) -> Recipe:
        """The recipe with the request's own numbers.

        Raises:
            InputError: no such recipe, or a number out of its range.
        """
        recipe = recipes.find_recipe(self.recipe) if isinstance(self.recipe, str) else self.recipe
        numbers = {"epochs": self.epochs, "stop_at_accuracy": self.stop_at_accuracy}
        changes = {name: value for name, value in numbers.items() if value is not None}
        return recipes.change_recipe(recipe, **changes) if changes else recipe

    def recipe_words(self) -> str:
        """What the card says of the recipe: its name, and what was changed or added."""
        words = [self.final_recipe().name]
        if self.class_weights:
            words.append("class weights")
        if self.teacher:
            words.append(f"teacher {Path(self.teacher).name}")
        return ", ".join(words)


def complete_request(request: TrainingRequest | None, options: TrainingOptions) -> TrainingRequest:
    """`request`, or the default one, with `options` in place of its fields.

    Raises:
        InputError: see `TrainingRequest`.
        TypeError: an option of another name.
    """
    return replace(request or TrainingRequest(), **options)
