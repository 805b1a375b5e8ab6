"""A larger network whose knowledge a small one takes over: what a teacher says of images and of mixtures of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.file_set import read_together
from edgecnn.keras_file import loading_keras
from edgecnn.model_file.card import ModelCard
from edgecnn.pixels.dataset import Dataset, Images, held_back
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table
from edgecnn.printable import printable
from edgecnn.run_directory import CARD, RunDirectory

from .prediction import predict_batches
from .recipes import FARTHEST_SHIFT, Recipe
from .teachers import require_teacher

if TYPE_CHECKING:
    import keras

# 94.5 % on Fashion-MNIST's test set when trained on 55,000 of the images, one run.
RECIPE = Recipe(
    name="teacher",
    epochs=20,
    batch_size=128,
    optimizer="muon",
    peak_learning_rate=5e-3,
    weight_decay=0.02,
    bfloat16=True,
    augment=("flip", "shift", "erase"),
    dropout=0.2,
    label_smoothing=0.05,
)


@dataclass(frozen=True)
class Mixture:
    """Every training image mixed with another and moved a little, and what the teacher thinks of it.

    Zhang et al., "mixup: Beyond Empirical Risk Minimization" (2018). A teacher has learnt its training images by heart;
    of mixtures it says what it really sees (Beyer et al., "Knowledge distillation: A good teacher is patient and
    consistent", 2022).

    Attributes:
        partners: int64 (images,), the index of the other image.
        shares: float32 (images,), of the image itself in the mixture, 0.5 to 1.
        moves: int64 (images, 2), by how many pixels the mixture is moved down and right; its edges are repeated.
        probabilities: the teacher's, float32 (images, classes).
    """

    partners: npt.NDArray[np.int64]
    shares: npt.NDArray[np.float32]
    moves: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]

    def inputs(self, table: npt.NDArray[Any], images: Images, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """The mixtures at `rows` as model input, see `edgecnn.pixels.input_table.apply_table`."""
        shares = self.shares[rows][:, None, None, None]
        own, other = (apply_table(table, np.asarray(images[index])) for index in (rows, self.partners[rows]))
        return _move(shares * own + (1 - shares) * other, self.moves[rows])


@dataclass(frozen=True)
class TeacherAnswers:
    """A teacher's probabilities.

    Attributes:
        plain: of the training images, float32 (images, classes).
        mixtures: of mixtures of them.
    """

    plain: npt.NDArray[np.float32]
    mixtures: tuple[Mixture, ...] = ()

    def mixture(self, epoch: int, epochs: int) -> Mixture | None:
        """What to train on in `epoch`, counted from 0: a mixture in every second one, plain images in the last."""
        if not self.mixtures or (epochs - epoch) % 2:
            return None
        return self.mixtures[epoch // 2 % len(self.mixtures)]


def draw_mixture(
    kept: npt.NDArray[np.int64], images: Images, seed: int, number: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """Draw partners, shares and moves of mixture `number` among the images `kept` of `images`; see `Mixture`."""
    generator = np.random.default_rng([seed, number])
    count, height, width, _ = images.shape
    partners = np.arange(count)
    partners[kept] = generator.permutation(kept)
    shares = generator.uniform(0.5, 1, count).astype(np.float32)
    reach = np.round(np.multiply(FARTHEST_SHIFT, (height, width))).astype(np.int64)
    return partners, shares, generator.integers(-reach, reach, (count, 2), endpoint=True)


def _move(images: npt.NDArray[Any], moves: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    count, height, width, _ = images.shape
    rows = np.clip(np.arange(height) - moves[:, :1], 0, height - 1)
    columns = np.clip(np.arange(width) - moves[:, 1:], 0, width - 1)
    moved: npt.NDArray[Any] = images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def query_teacher(
    path: Path, dataset: Dataset, recipe: Recipe, seed: int, tell: Callable[[str], None], *, bfloat16: bool = False
) -> TeacherAnswers:
    """What the teacher at `path` thinks of the training images, and of the recipe's number of mixtures of them.

    Args:
        path: a .keras file with its card.json beside it, trained on the same data set; its own card says what pixels
            become for it.
        dataset: its training images are asked about.
        recipe: the pupil's; if it mirrors images the teacher answers for both sides of each, and their mean counts.
        seed: of the mixtures; images that the recipe holds back for validation with this seed are left out of them.
        tell: is told what goes on.
        bfloat16: whether the teacher computes in bfloat16, as it was trained.

    Raises:
        ModelFileError: missing, damaged, or a teacher of other classes or image sizes, or without probabilities.
    """
    model, spec = _load_teacher(path, dataset)
    if bfloat16:
        _compute_in_bfloat16(model)
    images, count, table = dataset.train.images, len(dataset.train), input_table(spec)
    _require_probabilities(
        predict_batches(model, min(count, 8), lambda rows: apply_table(table, np.asarray(images[rows]))), path
    )
    mirror = "flip" in recipe.augment
    tell(f"asking the teacher about {count * (1 + mirror + recipe.teacher_mixtures):,} images")
    kept, _ = held_back(dataset.train.labels, recipe.validation_split, seed)
    mixtures = []
    for number in range(recipe.teacher_mixtures):
        mixture = Mixture(*draw_mixture(kept, images, seed, number), np.empty((0, 0), np.float32))
        probabilities = predict_batches(model, count, lambda rows, it=mixture: it.inputs(table, images, rows))  # type: ignore[misc]
        mixtures.append(replace(mixture, probabilities=probabilities))
    plain = predict_batches(model, count, lambda rows: apply_table(table, np.asarray(images[rows])))
    if mirror:
        reflections = predict_batches(
            model, count, lambda rows: apply_table(table, np.asarray(images[rows]))[:, :, ::-1]
        )
        plain = (plain + reflections) / np.float32(2)
    return TeacherAnswers(plain, tuple(mixtures))


def _require_probabilities(answers: npt.NDArray[np.float32], path: Path) -> None:
    if not np.allclose(answers.sum(axis=1), 1, atol=1e-2):
        raise ModelFileError(
            f"the teacher {path} does not give probabilities (they must sum to 1); end it with a softmax"
        )


def _load_teacher(path: Path, dataset: Dataset) -> "tuple[keras.Model, InputSpec]":
    require_teacher(path)
    return read_together((path, path.with_name(CARD)), lambda: _read_teacher(path, dataset))


def _read_teacher(path: Path, dataset: Dataset) -> "tuple[keras.Model, InputSpec]":
    import keras

    card = ModelCard.load(path.with_name(CARD))
    if card.labels != dataset.labels or card.input.shape != dataset.input.shape:
        raise ModelFileError(
            f"the teacher {path} knows {len(card.labels)} classes of {card.input.shape} images, the data set has "
            f"{len(dataset.labels)} of {dataset.input.shape}, or names them otherwise; train a teacher on this data set"
        )
    if card.training and not card.training.is_finished:
        raise ModelFileError(
            f"the training of the teacher {path} is not finished; edgecnn train --resume goes on with it"
        )
    with loading_keras(f"the teacher {path}", "train it again"):
        model = keras.models.load_model(path, compile=False)
        shapes = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1]
    if shapes != (card.input.shape, len(card.labels)):
        raise ModelFileError(f"the teacher {path} is not the network that its card describes; train it again")
    return model, card.input


def _compute_in_bfloat16(model: "keras.Model") -> None:
    """Let all layers but the last compute in bfloat16; their weights stay as they are."""
    import keras

    for layer in model.layers[:-1]:
        if layer.dtype_policy.name == "float32" and not isinstance(layer, keras.Model):
            layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")


def is_trained(folder: RunDirectory, architecture: str, seed: int, dataset: Dataset) -> bool:
    """Whether `folder` holds the teacher `architecture`, trained on this data set with this seed to its end."""
    if not folder.model.exists() or not folder.card.exists():
        return False
    training = ModelCard.load(folder.card).training
    if training is None or not training.is_finished:
        return False
    here = (training.architecture, training.seed, training.dataset_sha256, training.train_images)
    return here == (printable(architecture), seed, dataset.sha256, len(dataset.train))
