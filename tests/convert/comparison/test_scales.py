"""A scale that was changed is named where it stands, whether it cuts values, wastes steps, or stops the runtime."""

import keras
import numpy as np
import pytest

from edgecnn.convert import parity
from edgecnn.convert.comparison.operators import compare_operators
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.errors import ModelFileError
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.convert.comparison.test_ranges import requantized, scale_of, with_scale
from tests.support.many_operators import fed_noise
from tests.support.planted import average_instead_of_maximum, change_output, plant

SCHEMES: tuple[Scheme, ...] = ("int8", "int16x8")


def joined() -> keras.Model:
    """Two branches that share a scale, and a gate."""
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3), name="image")
    convolutions = (keras.layers.Conv2D(4, size, padding="same", name=f"by{size}") for size in (1, 3))
    x = keras.layers.Concatenate(name="joined")([each(image) for each in convolutions])
    x = keras.layers.MaxPooling2D(name="pool")(x)
    gate = keras.layers.Conv2D(8, 1, activation="sigmoid", name="gate")(x)
    x = keras.layers.GlobalAveragePooling2D(name="average")(keras.layers.Multiply()([x, gate]))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="scores")(x))
    return with_named_outputs(model, feature_maps(model))


def test_operators_that_hand_integers_on_have_one_scale() -> None:
    sound = to_flatbuffer(joined(), "int8", fed_noise(8))
    index, scale, _ = scale_of(sound, "pool")
    (fault, *_) = compare_operators(sound, requantized(sound, index, 2.0))
    assert fault.layer == "pool"
    assert f"that its MAX_POOL_2D gives are {2 * scale:.4g} and" in fault.words


@pytest.mark.parametrize(("scheme", "always"), [("int8", 1 / 256), ("int16x8", 1 / 32768)])
def test_what_a_sigmoid_gives_has_the_scale_that_is_prescribed(scheme: Scheme, always: float) -> None:
    sound = to_flatbuffer(joined(), scheme, fed_noise(8))
    edited = with_scale(sound, 2.0, lambda each: each == pytest.approx(always))
    faults = compare_operators(sound, edited)
    assert any(fault.layer == "gate" and f"of this operator are always {always:.4g}" in fault.words for fault in faults)


def test_a_file_that_does_not_run_is_told_why(run: RunDirectory, some: Dataset) -> None:
    change_output(run, "int8", 0, gain=4)
    with pytest.raises(
        ModelFileError, match=r"does not run, .* \(max_pooling2d: the scale and zero point that its MAX_POOL_2D gives"
    ):
        parity(run.path, some)


def test_operators_are_named_where_weights_are_others_too(run: RunDirectory, some: Dataset) -> None:
    average_instead_of_maximum(run, "int8")
    plant(run, "int8", 0, lambda weights, _: np.negative(weights[3], out=weights[3]))
    finding = parity(run.path, some).findings[0]
    assert "conv2d: channel 3 is negated; nor are its operators Keras': max_pooling2d: it is" in finding.words
