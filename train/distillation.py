"""A larger network whose knowledge a small one takes over."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import ModelFileError
from edgecnn.model_file.card import ModelCard
from edgecnn.optional_packages import DAMAGED_FILE
from edgecnn.pixels.dataset import Dataset, held_back
from edgecnn.pixels.input_table import apply_table, input_table

from .recipes import Recipe
from .teaching import Mixture, Teaching, draw

_BATCH = 500
# 94.3 % on Fashion-MNIST's test set in 34 CPU-minutes on 2 threads (AMD EPYC, bfloat16), one run.
RECIPE = Recipe(
    name="teacher",
    epochs=14,
    batch_size=128,
    optimizer="muon",
    peak_learning_rate=5e-3,
    weight_decay=0.02,
    sixteen_bit=True,
    augment=("flip",),
    dropout=0.2,
    label_smoothing=0.05,
)


def ask(path: Path, dataset: Dataset, recipe: Recipe, seed: int, tell: Callable[[str], None]) -> Teaching:
    """What the teacher at `path` thinks of the training images, and of the recipe's number of mixtures of them.

    Args:
        path: a .keras file with its card.json beside it, trained on the same data set.
        recipe: the pupil's; if it mirrors images the teacher answers for both sides of each, and their mean counts.
        seed: of the mixtures; images that the recipe holds back for validation with this seed are left out of them.
        tell: is told what goes on.

    Raises:
        ModelFileError: missing, damaged, or a teacher of other classes or image sizes.
    """
    if not path.is_file():
        raise ModelFileError(f"no teacher at {path}; give the .keras file of a run, or an architecture")
    card = ModelCard.load(path.with_name("card.json"))
    if card.labels != dataset.labels or card.input.shape != dataset.input.shape:
        raise ModelFileError(
            f"the teacher {path} knows {len(card.labels)} classes of {card.input.shape} images, the data set has "
            f"{len(dataset.labels)} of {dataset.input.shape}, or names them otherwise; train a teacher on this data set"
        )
    try:
        model = keras.models.load_model(path, compile=False)
        shapes = tuple(model.inputs[0].shape[1:]), model.outputs[0].shape[1]
    except DAMAGED_FILE as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelFileError(f"the teacher {path} does not load ({reason}); train it again") from None
    if shapes != (card.input.shape, len(card.labels)):
        raise ModelFileError(f"the teacher {path} is not the network that its card describes; train it again")
    return _answers(model, dataset, recipe, seed, tell)


def _answers(model: keras.Model, dataset: Dataset, recipe: Recipe, seed: int, tell: Callable[[str], None]) -> Teaching:
    images, count, table = dataset.train.images, len(dataset.train), input_table(dataset.input)
    mirrored = "flip" in recipe.augment
    tell(f"asking the teacher about {count * (1 + mirrored + recipe.teacher_mixtures):,} images")

    def answers(
        inputs: Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]], both: bool = False
    ) -> npt.NDArray[np.float32]:
        parts = []
        for rows in np.split(np.arange(count), range(_BATCH, count, _BATCH)):
            batch = inputs(rows)
            part = np.asarray(model.predict_on_batch(batch), dtype=np.float32)
            if both:
                part = (part + np.asarray(model.predict_on_batch(batch[:, :, ::-1]), dtype=np.float32)) / np.float32(2)
            parts.append(part)
        return np.concatenate(parts)

    kept, _ = held_back(dataset.train.labels, recipe.validation_split, seed)
    mixtures = []
    for number in range(recipe.teacher_mixtures):
        drawn = Mixture(*draw(kept, count, seed, number), np.empty((0, 0), np.float32))
        found = answers(lambda rows, drawn=drawn: drawn.inputs(table, images, rows))  # type: ignore[misc]
        mixtures.append(replace(drawn, probabilities=found))
    plain = answers(lambda rows: apply_table(table, np.asarray(images[rows])), both=mirrored)
    return Teaching(plain, tuple(mixtures))
