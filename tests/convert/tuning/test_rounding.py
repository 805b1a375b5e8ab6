"""Weights that are rounded together leave less error than each on its own."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from edgecnn.convert.tuning.rounding import gptq_round


def left(weights: np.ndarray, integers: np.ndarray, inputs: np.ndarray) -> float:
    """Mean squared error of what the weights make of the inputs."""
    return float(np.square(inputs @ (weights - integers).T).mean())


def test_errors_cancel_where_inputs_go_together() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(2_000, 6)) @ generator.normal(size=(6, 30)) + 0.1 * generator.normal(
        size=(2_000, 30)
    )
    weights = generator.uniform(-100, 100, (8, 30))
    seen, unseen = inputs[:1_500], inputs[1_500:]
    together = gptq_round(weights[None], (seen.T @ seen / len(seen))[None])[0]
    assert left(weights, together, unseen) < 0.3 * left(weights, np.rint(weights), unseen)
    np.testing.assert_array_equal(together, np.rint(together))


def test_inputs_that_have_nothing_in_common_leave_the_nearest_integers() -> None:
    weights = np.random.default_rng(1).uniform(-100, 100, (2, 3, 7))
    hessian = np.stack([np.diag(np.arange(1.0, 8.0)), np.zeros((7, 7))])  # the second group sees nothing but black
    np.testing.assert_array_equal(gptq_round(weights, hessian), np.rint(weights))


def test_no_weight_leaves_its_integers() -> None:
    weights = np.full((1, 2, 4), 127.4)
    assert np.abs(gptq_round(weights, np.ones((1, 4, 4)))).max() <= 127


def test_blocks_of_columns_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(2)
    inputs, weights = generator.normal(size=(400, 40)), generator.uniform(-100, 100, (1, 5, 300))
    inputs = inputs @ generator.normal(size=(40, 300)) + 0.1 * generator.normal(size=(400, 300))
    hessian = (inputs.T @ inputs / len(inputs))[None]
    found = gptq_round(weights, hessian)
    monkeypatch.setattr("edgecnn.convert.tuning.rounding._BLOCK", 300)
    np.testing.assert_array_equal(found, gptq_round(weights, hessian))
    assert left(weights[0], found[0], inputs) < 0.3 * left(weights[0], np.rint(weights[0]), inputs)
