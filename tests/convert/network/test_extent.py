"""Which values occur in a layer."""

import numpy as np
import pytest

from edgecnn.convert.network.extent import channel_ends


@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 3), (2, 13, 11, 7), (3, 64, 1), (5, 10), (1, 9, 9, 5000), (7, 31, 29, 32), (1, 4097, 1)]
)
def test_the_ends_of_a_channel_are_its_least_and_its_greatest_value(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    # The greatest of the first channel in the last row, the least of the last channel in the first.
    values.reshape(-1, shape[-1])[-1, 0], values.reshape(-1, shape[-1])[0, -1] = 9, -9
    low, high = channel_ends(values)
    for channel in range(shape[-1]):
        assert (low[channel], high[channel]) == (values[..., channel].min(), values[..., channel].max())
    assert low.dtype == high.dtype == np.float32


def test_a_value_that_is_no_number_is_seen_wherever_it_is() -> None:
    for row in (0, 500, 999):
        values = np.zeros((1000, 32), np.float32)
        values[row, 3] = np.nan
        low, high = channel_ends(values)
        assert np.flatnonzero(np.isnan(low)).tolist() == np.flatnonzero(np.isnan(high)).tolist() == [3]
