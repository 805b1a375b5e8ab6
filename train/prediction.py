"""What a Keras model says of images, some hundred at a time."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from edgecnn.confidence import Answers, JudgedScores, measure_confidence, why_unmeasured
from edgecnn.pixels.dataset import Dataset, Images
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table
from edgecnn.validation_images import validation_of

if TYPE_CHECKING:
    import keras

_BATCH = 500
_BATCH_PIXELS = _BATCH * 64 * 64  # larger images take so many at once that their feature maps need no more memory

Inputs = Callable[[npt.NDArray[np.int64]], npt.NDArray[Any]]


def predict_batches(model: "keras.Model", count: int, inputs: Inputs) -> npt.NDArray[np.float32]:
    """Probabilities of `count` images.

    Args:
        model: from (batch, height, width, channels) to (batch, classes).
        count: above 0.
        inputs: from indices below `count`, int64 (batch,), to the model input of these images.

    Returns:
        float32 (count, classes).
    """
    size = batch_size(model)
    batches = np.split(np.arange(count), range(size, count, size))
    return np.concatenate([np.asarray(model.predict_on_batch(inputs(rows)), dtype=np.float32) for rows in batches])


def batch_size(model: "keras.Model") -> int:
    """How many images `model` may be asked about at once: 500, fewer of more than 64 x 64 pixels."""
    height, width, _ = model.inputs[0].shape[1:]
    return max(1, min(_BATCH, _BATCH_PIXELS // int(height * width)))


def predict_images(model: "keras.Model", images: Images, spec: InputSpec) -> npt.NDArray[np.float32]:
    """Probabilities, float32 (count, classes), of uint8 images (count, height, width, channels), as `spec` has them."""
    table = input_table(spec)
    return predict_batches(model, len(images), lambda rows: apply_table(table, np.asarray(images[rows])))


def judge_scores(
    test: Answers,
    predict: Callable[[Images], npt.NDArray[np.float32]],
    dataset: Dataset,
    validation_split: float,
    seed: int,
    other: Images | None,
) -> JudgedScores:
    """Measure what the scores of a trained model are worth.

    Args:
        test: what it says of the test split.
        predict: from uint8 images (count, height, width, channels) to its probabilities, float32 (count, classes).
        dataset: what it was trained on.
        validation_split: share of the training images that was held back.
        seed: of the training.
        other: images that are none of the classes, uint8 (count, height, width, channels).
    """
    held_out, validation = validation_of(dataset, validation_split, seed), None
    if held_out is not None:
        validation = Answers(predict(held_out.images), held_out.labels)
    confidence = measure_confidence(
        test,
        "test" if validation is None else "validation",
        validation=validation,
        other=None if other is None else predict(other),
    )
    return JudgedScores(confidence, why_unmeasured(test, validation))
