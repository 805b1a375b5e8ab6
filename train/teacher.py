"""A larger network whose knowledge a small one takes over."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.card import ModelCard
from edgecnn.dataset import Dataset
from edgecnn.errors import ModelFileError
from edgecnn.extras import DAMAGED_FILE

from .loop import predict
from .recipes import Recipe

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


def probabilities(path: Path, dataset: Dataset, recipe: Recipe) -> npt.NDArray[np.float32]:
    """What the teacher at `path` thinks of the training images.

    Args:
        path: a .keras file with its card.json beside it, trained on the same data set.
        recipe: the pupil's; if it mirrors images the teacher answers for both sides, and their mean counts.

    Returns:
        float32 (training images, classes).

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
    result = predict(model, dataset.train, card.input)
    if "flip" in recipe.augment:
        result = (result + predict(model, dataset.train, card.input, mirrored=True)) / np.float32(2)
    return result
