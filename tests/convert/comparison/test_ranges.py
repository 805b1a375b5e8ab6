"""The integers of a file must reach what it was made for."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.convert import Conversion
from edgecnn.convert.comparison.graph import outputs_of
from edgecnn.convert.comparison.operators import compare_operators
from edgecnn.convert.network.feature_maps import feature_maps, with_named_outputs
from edgecnn.convert.tflite.export import to_flatbuffer
from edgecnn.model_file.card import LayerRange
from edgecnn.model_file.container import read_model
from edgecnn.model_file.schemes import IoType
from tests.support.many_operators import fed_noise

PIXELS = LayerRange("image", 0.0, 1.0, 0.0, 1.0)


def small() -> keras.Model:
    keras.utils.set_random_seed(3)
    image = keras.Input((16, 16, 3), name="image")
    x = keras.layers.GlobalAveragePooling2D(name="average")(keras.layers.Conv2D(4, 3, name="conv")(image))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax", name="scores")(x))
    return with_named_outputs(model, feature_maps(model))


def requantized(flatbuffer: bytes, index: int, gain: float = 1.0, shift: int = 0) -> bytes:
    """A flatbuffer with another scale or zero point of a tensor."""
    edited = bytearray(flatbuffer)
    quantization = schema.Model.GetRootAs(edited, 0).Subgraphs(0).Tensors(index).Quantization()
    quantization.ScaleAsNumpy()[:] *= np.float32(gain)
    quantization.ZeroPointAsNumpy()[:] += shift
    return bytes(edited)


def with_scale(flatbuffer: bytes, gain: float, is_wanted: Callable[[float], bool]) -> bytes:
    """A flatbuffer with another scale of all tensors whose scale is wanted."""
    subgraph = schema.Model.GetRootAs(flatbuffer, 0).Subgraphs(0)
    for index in range(subgraph.TensorsLength()):
        quantization = subgraph.Tensors(index).Quantization()
        if quantization is not None and quantization.ScaleLength() == 1 and is_wanted(float(quantization.Scale(0))):
            flatbuffer = requantized(flatbuffer, index, gain)
    return flatbuffer


def scale_of(flatbuffer: bytes, name: str) -> tuple[int, float, int]:
    """Index, scale and type of an output before it is cast."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    index = outputs_of(model)[name]
    tensor = model.Subgraphs(0).Tensors(index)
    return index, float(tensor.Quantization().Scale(0)), tensor.Type()


@pytest.mark.parametrize("io", ["int8", "uint8"])
def test_the_image_must_have_integers_for_all_pixels(io: IoType) -> None:
    ends = np.zeros((1, 16, 16, 3), np.float32), np.ones((1, 16, 16, 3), np.float32)
    sound = to_flatbuffer(small(), "int8", np.concatenate([fed_noise(4), *ends]), io)
    assert compare_operators(sound, sound, (PIXELS,)) == ()
    index = int(schema.Model.GetRootAs(sound, 0).Subgraphs(0).Inputs(0))
    for shift, stands_for in ((20, "-0.07843 to 0.9216"), (-20, "0.07843 to 1.078")):
        (fault,) = compare_operators(sound, requantized(sound, index, shift=shift), (PIXELS,))
        assert fault.layer == "image"
        assert f"its integers stand for {stands_for}, but it was made for 0 to 1" in fault.words


def test_ranges_of_16_bits_are_compared_too() -> None:
    sound = to_flatbuffer(small(), "int16x8", fed_noise(8))
    index, scale, kind = scale_of(sound, "conv")
    assert kind == schema.TensorType.INT16
    seen = LayerRange("conv", -0.5, 32767 * scale, 0.0, 0.1)
    assert compare_operators(sound, sound, (seen,)) == ()
    faults = compare_operators(sound, requantized(sound, index, 0.6), (seen,))
    assert faults[0].layer == "conv" and "changed afterwards" in faults[0].words


def test_a_scale_that_was_changed_before_and_after_a_pooling_is_not_tensorflows(int8: Conversion) -> None:
    assert int8.activations
    packed = read_model(Path(int8.activations.path))
    assert packed.card
    _, scale, _ = scale_of(packed.flatbuffer, "conv2d")
    edited = with_scale(packed.flatbuffer, 0.7, lambda each: each == scale)
    faults = compare_operators(packed.flatbuffer, edited, packed.card.ranges)
    cut = [fault for fault in faults if "its integers stand for" in fault.words]
    assert [fault.layer for fault in cut] == ["conv2d", "max_pooling2d"]
    assert all(fault.words.endswith("changed afterwards") for fault in cut)
