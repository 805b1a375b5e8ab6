"""Which values occur in a layer."""

import numpy as np
import pytest

from edgecnn.convert.network.extent import Extent, channel_ends
from edgecnn.model_file.card import LayerRange


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


def test_a_range_is_that_of_all_batches_and_means_are_of_images() -> None:
    extent = Extent()
    extent.add(np.array([[[[1, 5], [3, 5]]], [[[2, 5], [2, 5]]]], np.float32))  # two images of 1 x 2, the means 3.5
    extent.add(np.array([[[[-4, 5], [0, 5]]]], np.float32))  # the mean 1.5; the second channel is 5 everywhere
    assert extent.range("conv") == LayerRange("conv", -4.0, 5.0, 1.5, 3.5, (1,))
