"""What a training is asked for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypedDict

from edgecnn.arguments import is_number, is_whole, require_count, require_path, to_plain
from edgecnn.errors import InputError
from edgecnn.pixels.dataset import Dataset, check_seed
from edgecnn.pixels.folder_images import require_folder
from edgecnn.validation_images import held_share_of

from . import recipes
from .backbones import require_input
from .recipes import Recipe
from .starting_weights import IMAGENET, pretrained_weights, require_weights
from .teachers import require_same_values, require_teacher

OTHER_IMAGES = "other images are a folder of pictures that show none of the classes"
_IDLE = ("augment", "l2", "early_stopping", "stop_at_accuracy")  # fields of a recipe that the last layer alone ignores


class TrainingOptions(TypedDict, total=False):
    """The fields of `TrainingRequest`, as keywords of `train` and `estimate`; see there."""

    architecture: str
    recipe: str | Recipe | None
    weights: str | Path | None
    freeze: int | Literal["all"] | None
    seed: int
    epochs: int | None
    stop_at_accuracy: float | None
    teacher: str | Path | None
    class_weights: bool
    other: str | Path | None
    devices: bool
    distributed: bool
    resume: bool
    force: bool


@dataclass(frozen=True)
class TrainingRequest:
    """How a network is to be trained on a data set.

    Attributes:
        architecture: a name from `edgecnn.train.architectures`, or `FILE.py:function`.
        recipe: a name from `RECIPES`, or a recipe of your own; None for transfer with pretrained weights, else fast.
        weights: what all layers but the last start from: imagenet, none, or a file, see
            `edgecnn.train.pretrained.load_pretrained`; None for imagenet where the architecture is a backbone.
        freeze: with recipe transfer: how many layers, from the first, keep their pretrained weights, or all.
        seed: of weights, shuffling and dropout; the same seed gives the same weights on the same machine.
        epochs: instead of the recipe's number; the learning-rate schedule is stretched to it.
        stop_at_accuracy: end after the first epoch whose training accuracy (0 to 1) reaches this.
        teacher: a .keras file to distil from, or an architecture that is trained first, into the run's folder teacher.
        class_weights: weigh each class by the inverse of its share of the training images.
        other: a folder of images that are none of the classes: the score below which an answer is better `unknown` is
            then chosen with them, too.
        devices: divide every batch among all accelerators of this computer, with JAX.
        distributed: divide every batch among the processes of a job, with JAX; see `devices/data_parallel.py`.
            Only process 0 writes files; all must be started with the same arguments and data.
        resume: go on after the last finished epoch of the training that the run directory holds, to the same weights.
        force: replace a run that is there, once the first epoch of this one has ended.

    Raises:
        InputError: a seed or a teacher that cannot be.
    """

    architecture: str = "reference"
    recipe: str | Recipe | None = None
    weights: str | Path | None = None
    freeze: int | Literal["all"] | None = None
    seed: int = 0
    epochs: int | None = None
    stop_at_accuracy: float | None = None
    teacher: str | Path | None = None
    class_weights: bool = False
    other: str | Path | None = None
    devices: bool = False
    distributed: bool = False
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        check_seed(self.seed)
        to_plain(self, "seed", "epochs", "freeze")
        if not isinstance(self.architecture, str):
            raise InputError(f"architecture must be a name or FILE.py:function. Received: {self.architecture!r}")
        if not isinstance(self.recipe, str | Recipe | None):
            raise InputError(f"recipe must be a name or a Recipe. Received: {self.recipe!r}")
        if self.epochs is not None:
            require_count(self.epochs, "epochs")
        if self.stop_at_accuracy is not None and not is_number(self.stop_at_accuracy):
            raise InputError(f"stop_at_accuracy must be a number. Received: {self.stop_at_accuracy!r}")
        if self.teacher is not None:
            require_path(self.teacher, "a teacher")
        if self.other is not None:
            require_path(self.other, "a folder of other images")
        if self.teacher is not None and not str(self.teacher):
            raise InputError("the teacher's name is empty; give a .keras file or an architecture, or leave it out")
        if self.distributed and self.teacher_architecture:
            raise InputError("a job of several processes needs a teacher that is trained already; give its .keras file")

        if self.weights is not None and require_path(self.weights, "weights") == Path():
            raise InputError("the weights' name is empty; give imagenet, none or a file, or leave it out")
        if self.resume and self.force:
            raise InputError("resume goes on with the training that force replaces; leave one of them out")
        self._check_transfer()

    def _check_transfer(self) -> None:
        recipe, weights = self._named_recipe(), self.pretrained
        if recipe.frozen is None and self.freeze is not None:
            raise InputError(
                f"freeze goes with recipe transfer. Received: freeze={self.freeze}, recipe {recipe.name}; leave freeze "
                "out, or give pretrained weights and recipe transfer"
            )
        if recipe.frozen is None:
            return
        if weights is None:
            raise InputError(f"recipe {recipe.name} needs pretrained weights; give imagenet or a file, or recipe fast")
        if self.teacher or self.devices or self.distributed:
            raise InputError(f"recipe {recipe.name} trains on one device without a teacher; leave the others out")
        epochs, wanted = self.epochs or recipe.epochs, self.final_recipe()
        if self.freeze == "all" and epochs > 1 and (self.epochs or _is_asked_for(recipe, "epochs")):
            raise InputError(f"with freeze all one epoch trains all there is. Received: epochs={epochs}")
        idle = [name for name in _IDLE if getattr(wanted, name) and _is_asked_for(wanted, name)]
        if wanted.epochs == 1 and idle:
            which, more = (
                ("freeze all", "freeze fewer layers")
                if self.freeze == "all"
                else ("one epoch", "train for more epochs")
            )
            raise InputError(
                f"with {which} only the last layer is trained, once, on the images as they are: {', '.join(idle)} "
                f"would change nothing; leave it out, or {more}"
            )
        if self.freeze not in (None, "all") and not (is_whole(self.freeze) and self.freeze >= 0):
            raise InputError(f"freeze must be a whole number from 0 on, or all. Received: {self.freeze!r}")

    @property
    def pretrained(self) -> str | None:
        """What the network starts from: `imagenet`, a file's name, or None for weights at random.

        Raises:
            InputError: ImageNet weights of what has none.
        """
        return pretrained_weights(self.architecture, self.weights)

    def require_files(self) -> None:
        """Make sure that the files are there which the training begins with; images need not be read for that.

        Raises:
            ModelFileError: there are no weights, or there is no teacher.
            DataError: there is no folder of other images.
        """
        if self.pretrained not in (None, IMAGENET) and not self.resume:
            require_weights(str(self.pretrained))
        if self.teacher is not None and self.teacher_architecture is None:
            require_teacher(Path(self.teacher))
        if self.other:
            require_folder(self.other, OTHER_IMAGES)

    @property
    def teacher_architecture(self) -> str | None:
        """What a teacher that is no file yet is to be."""
        return None if self.teacher is None or Path(self.teacher).suffix == ".keras" else str(self.teacher)

    @property
    def replaces(self) -> bool:
        """Whether the run directory may hold a run already."""
        return self.force or self.resume

    def final_recipe(self) -> Recipe:
        """The recipe with the request's own numbers.

        Raises:
            InputError: no such recipe, or a number out of its range.
        """
        recipe = self._named_recipe()
        if self.freeze == "all":
            recipe = replace(recipe, epochs=1)
        numbers = {"epochs": self.epochs, "stop_at_accuracy": self.stop_at_accuracy}
        changes = {name: value for name, value in numbers.items() if value is not None}
        return recipes.change_recipe(recipe, **changes) if changes else recipe

    def _named_recipe(self) -> Recipe:
        if isinstance(self.recipe, Recipe):
            return self.recipe
        return recipes.find_recipe(self.recipe or recipes.default_recipe(self.pretrained))

    def recipe_words(self) -> str:
        """What the card says of the recipe: its name, and what was changed or added."""
        recipe = self.final_recipe()
        words = [recipe.name]
        if held_share_of(recipe.name) != recipe.validation_split:  # of a recipe of somebody's own; reports go by it
            words.append(f"validation_split {recipe.validation_split}")
        if self.pretrained:
            words.append(f"weights {Path(self.pretrained).name}")
        if self.freeze is not None:
            words.append(f"freeze {self.freeze}")
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


def require_images(request: TrainingRequest, dataset: Dataset) -> None:
    """Make sure that the data set has the images that the recipe and the network need.

    Raises:
        InputError: it has not, or they are not prepared as the network needs them.
    """
    recipe = request.final_recipe()
    if recipe.validation_split and dataset.validation is not None:
        raise InputError(f"{dataset.name} has validation images of its own; leave the validation split out")
    if recipe.early_stopping and not recipe.validation_split and dataset.validation is None:
        raise InputError("early stopping needs images to judge by; add a validation split, such as 0.1")
    if not len(dataset.train) or not len(dataset.test):
        raise InputError(
            f"{dataset.name} must have training and test images; it has {len(dataset.train)} and {len(dataset.test)}"
        )
    require_input(request.architecture, request.pretrained, dataset.input, dataset.name)
    if request.teacher_architecture:
        require_same_values(request.teacher_architecture, dataset.input.scale, dataset.input.offset)


def _is_asked_for(recipe: Recipe, name: str) -> bool:
    """Whether a field is other than in recipe transfer, or was given, though it is the same: then the name says so."""
    return getattr(recipe, name) != getattr(recipes.RECIPES["transfer"], name) or f", {name} " in recipe.name
