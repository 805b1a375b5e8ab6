"""What a conversion cost: accuracy, agreement, and each layer's distance from Keras."""

import numpy as np
import numpy.typing as npt

from edgecnn.metrics import evaluate_probabilities
from edgecnn.model_file.card import Parity
from edgecnn.wilson import wilson_interval

Array = npt.NDArray[np.floating]


def parity_of(keras: Array, converted: Array, labels: npt.NDArray[np.int64]) -> Parity:
    """Compare two models' probabilities, each (images, classes), on the same images.

    Args:
        keras: of the network, float32 or float64.
        converted: of what it became, likewise.
        labels: int64 (images,); all -1 where nobody knows them, and then there is no accuracy.
    """
    agreement = float((keras.argmax(axis=1) == converted.argmax(axis=1)).mean())
    if labels.min() < 0:
        return Parity(len(labels), agreement)
    after = evaluate_probabilities(converted, labels)
    right = round(after.accuracy * len(labels))
    low, high = wilson_interval(right, len(labels))
    return Parity(
        images=len(labels),
        agreement=agreement,
        keras_accuracy=evaluate_probabilities(keras, labels).accuracy,
        accuracy=after.accuracy,
        interval_low=low,
        interval_high=high,
    )


def sqnr_db(signal: float, noise: float) -> float:
    """Signal-to-quantization-noise ratio, 10 log10(signal / noise), in dB; infinite where there is no noise.

    Args:
        signal: sum of squares of the reference.
        noise: sum of squares of the differences from it.
    """
    if noise == 0:
        return float("inf")
    return 10 * float(np.log10(signal / noise)) if signal else float("-inf")
