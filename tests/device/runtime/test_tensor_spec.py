"""What a tensor's integers mean."""

import numpy as np
import pytest

from edgecnn import ModelFileError
from edgecnn.device.runtime.tensor_spec import TensorSpec, dequantize


def tensor(dtype: str, zero_point: int) -> TensorSpec:
    return TensorSpec("t", 0, (1, 4), np.dtype(dtype), 0.5, zero_point)


@pytest.mark.parametrize(
    ("stored", "zero_point", "real"),
    [(np.array([-128, 127], np.int8), -128, [0.0, 127.5]), (np.array([0, 255], np.uint8), 255, [-127.5, 0.0]),
     (np.array([-32768, 32767], np.int16), 0, [-16384.0, 16383.5])],
    ids=["int8", "uint8", "int16"],
)  # fmt: skip
def test_dequantization_does_not_wrap(stored: np.ndarray, zero_point: int, real: list[float]) -> None:
    values = dequantize(stored, 0.5, zero_point)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, real)


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_dequantization_refuses_an_impossible_scale(scale: float) -> None:
    with pytest.raises(ModelFileError, match="must be above 0"):
        dequantize(np.zeros(3, np.int8), scale, 0)


@pytest.mark.parametrize(
    ("values", "zero_point", "count"),
    [(np.array([-128, 0, 127, 127], np.int8), 3, 3), (np.array([-128, -128, 126, 127], np.int8), -128, 1),
     (np.array([0, 255, 255, 7], np.uint8), 255, 1), (np.array([0.0, 1e30, -128.0, 127.0], np.float32), 0, 0)],
    ids=["both ends", "ReLU ends at 0", "uint8", "floats have none"],
)  # fmt: skip
def test_values_at_the_ends_are_saturated_but_for_zero(values: np.ndarray, zero_point: int, count: int) -> None:
    assert tensor(str(values.dtype), zero_point).count_saturated(values) == count
