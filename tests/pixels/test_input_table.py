"""The table of a model's input, against the arithmetic that it stands for."""

import itertools
import math

import numpy as np
import pytest

from edgecnn import InputSpec
from edgecnn.pixels.input_table import apply_table, input_table


def test_float_input_is_the_notebooks_division_to_the_last_bit(spec: InputSpec) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    expected = (pixels / 255.0).astype(np.float32)
    np.testing.assert_array_equal(apply_table(input_table(spec), pixels), expected)


def test_int8_input_of_the_reference_is_the_byte_minus_128(spec: InputSpec) -> None:
    table = input_table(spec, np.int8, float(np.float32(1 / 255)), -128)
    np.testing.assert_array_equal(table[0], np.arange(256) - 128)


QUANTIZED = list(itertools.product([np.int8, np.uint8], [0.0039, 0.0078125, 0.02], [-128, 0, 3, 127]))


@pytest.mark.parametrize(("dtype", "scale", "zero_point"), QUANTIZED)
def test_quantized_table_rounds_halves_away_from_zero_and_saturates(
    dtype: type[np.integer], scale: float, zero_point: int
) -> None:
    spec = InputSpec(2, 2, 3, "rgb", "stretch", "bilinear", (1 / 127.5, 0.01, -1 / 255), (-1.0, 0.0, 0.5), "any")
    limits = np.iinfo(dtype)
    table = input_table(spec, dtype, scale, zero_point)
    for channel, pixel in itertools.product(range(3), range(256)):
        real = (pixel * spec.scale[channel] + spec.offset[channel]) / scale
        steps = math.floor(real + 0.5) if real >= 0 else math.ceil(real - 0.5)
        assert table[channel, pixel] == min(max(steps + zero_point, limits.min), limits.max)


def test_each_channel_has_its_own_table() -> None:
    spec = InputSpec(1, 1, 3, "rgb", "stretch", "bilinear", (1.0, 2.0, 3.0), (0.0, 0.5, -1.0), "any")
    pixels = np.array([[[10, 20, 30]]], np.uint8)
    np.testing.assert_array_equal(apply_table(input_table(spec), pixels), [[[10.0, 40.5, 89.0]]])
