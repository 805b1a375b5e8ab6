"""Figures of a layer that are added up by hand, against NumPy's own."""

import numpy as np
import pytest

from edgecnn.convert.comparison.layer_figures import Histogram, KerasLayer

RANDOM = np.random.default_rng(0)
LAYERS = {
    "a convolution": RANDOM.normal(0, 2, (8, 5, 5, 7)),
    "a ReLU": np.maximum(0, RANDOM.normal(0, 2, (8, 5, 5, 7))),
    "one value": np.full((8, 3), 0.3),
    "nothing": np.zeros((8, 3)),
    "values far from 0": 1e6 + RANDOM.random((8, 3)),
    "both ends of float32": np.array([[-3.4e38, 0, 3.4e38]]),
    "less than float32 has in full": np.array([[1e-42, 2e-42, 3e-42]]),
}


@pytest.mark.parametrize("values", LAYERS.values(), ids=LAYERS)
def test_histogram_is_that_of_all_values(values: np.ndarray) -> None:
    values = values.astype(np.float32)
    layer = KerasLayer()
    for batch in np.array_split(values, 2):
        if batch.size:
            layer.add(batch)
    histogram = Histogram(layer)
    for batch in np.array_split(values, 2):
        histogram.add(batch)
    counts, edges = np.histogram(values.astype(np.float64), 40, (float(values.min()), float(values.max())))
    np.testing.assert_array_equal(histogram.counts, counts)
    np.testing.assert_allclose(histogram.edges, edges)
