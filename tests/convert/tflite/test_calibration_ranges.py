"""Values that no integer stands for are a sentence with their place; TensorFlow's quantizer ends the process."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from edgecnn import EdgecnnError
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer

ops = keras.ops
IMAGES = np.random.default_rng(2).uniform(0, 1, (6, 8, 8, 1)).astype(np.float32)
INTEGERS = ("int8", "int16x8")


def network(step: Callable[[Any], Any]) -> keras.Model:
    """A network with `step` behind layer `rectified`, which gives zeros and values above 0."""
    keras.utils.set_random_seed(5)
    layers = keras.layers
    image = keras.Input((8, 8, 1))
    rectified = layers.Conv2D(4, 3, activation="relu", name="rectified")(image)
    # What follows is finite again: the feature maps show nothing.
    limited = layers.ReLU(max_value=6.0)(step(rectified))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(limited)))
    return with_named_outputs(model, feature_maps(model))


@pytest.mark.parametrize("scheme", INTEGERS)
@pytest.mark.parametrize(
    ("step", "operator"),
    [
        (ops.log, "LOG"),
        (ops.rsqrt, "RSQRT"),
        (lambda values: ops.exp(1000 * values), "EXP"),
        (lambda values: ops.power(values, -1.5), "POW"),
    ],
)
def test_infinite_values_are_refused_by_place(step: Callable[[Any], Any], operator: str, scheme: str) -> None:
    with pytest.raises(EdgecnnError) as refusal:
        to_flatbuffer(network(step), scheme, IMAGES)
    words = str(refusal.value)
    assert words.startswith(f"TensorFlow cannot convert the model to {scheme}: the {operator} behind layer rectified")
    assert "gives infinite values on the calibration images" in words
    assert words.endswith("; --float32 can be converted")


@pytest.mark.parametrize("scheme", INTEGERS)
def test_values_that_are_no_numbers_are_refused(scheme: str) -> None:
    with pytest.raises(EdgecnnError, match=r"gives no numbers \(NaN\) on the calibration images; look for a division"):
        to_flatbuffer(network(lambda values: values / (values - values)), scheme, IMAGES)


@pytest.mark.parametrize("scheme", INTEGERS)
def test_the_advice_helps(scheme: str) -> None:
    def clipped(values: Any) -> Any:
        return ops.log(ops.clip(values, 0.001, 1.0))

    assert len(to_flatbuffer(network(clipped), scheme, IMAGES)) > 2_000
