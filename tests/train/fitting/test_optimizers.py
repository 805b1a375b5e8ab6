"""Muon on convolution kernels."""

import keras
import numpy as np
import pytest

from edgecnn.train.fitting.optimizers import ConvMuon


def test_muon_orthogonalises_a_convolution_kernel_as_a_matrix() -> None:
    gradient = np.random.default_rng(0).normal(size=(3, 3, 16, 8)).astype(np.float32)
    optimizer = ConvMuon()
    update = np.asarray(optimizer.zeropower_via_newtonschulz5(keras.ops.convert_to_tensor(gradient), 5))
    assert update.shape == gradient.shape
    # Newton-Schulz with these coefficients brings every singular value near 1, not exactly to it: 0.7 to 1.2.
    singular = np.linalg.svd(update.reshape(-1, 8), compute_uv=False)
    assert singular.min() > 0.6 and singular.max() < 1.25


def test_muon_scales_a_kernels_update_by_the_longer_side_of_its_matrix() -> None:
    ones = keras.ops.ones((3, 3, 16, 8))
    # Liu et al. 2025: 0.2 * sqrt(max(rows, columns)); here 144 rows and 8 columns.
    np.testing.assert_allclose(np.asarray(ConvMuon().lr_adjust(ones)), 0.2 * np.sqrt(144), rtol=1e-6)


@pytest.mark.parametrize("shape", [(1600, 128), (3, 3, 64, 64), (3, 3, 1, 64), (20, 20)])
def test_muon_by_inner_products_is_keras_own_iteration(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(1)
    # Columns of very different size, as a gradient has them.
    gradient = (generator.normal(size=shape) * 10 ** generator.uniform(-3, 0, shape[-1])).astype(np.float32)
    tensor = keras.ops.convert_to_tensor(gradient)
    found, expected = (
        np.asarray(ConvMuon(by_gram=by_gram).zeropower_via_newtonschulz5(tensor, 5)) for by_gram in (True, False)
    )
    assert found.shape == shape
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


class AsksAnew(ConvMuon):
    """Computes its learning rate for every variable, as Keras does."""

    _backend_apply_gradients = keras.optimizers.Muon._backend_apply_gradients


def test_a_learning_rate_is_computed_once_a_step_however_many_variables_decay() -> None:
    def trained(kind: type[ConvMuon]) -> tuple[int, list[np.ndarray]]:
        asked = []
        keras.utils.set_random_seed(1)
        layers = [keras.Input((4, 4, 1)), keras.layers.Conv2D(3, 2), keras.layers.Flatten(), keras.layers.Dense(2)]
        model = keras.Sequential(layers)

        def rate() -> keras.KerasTensor:
            asked.append(1)
            return 0.5 / (keras.ops.cast(optimizer.iterations, "float32") + 1)

        optimizer = kind(rate, weight_decay=0.1, rms_rate=None)
        optimizer.build(model.trainable_variables)  # or else Keras traces the first step twice
        model.compile(optimizer, "mse", jit_compile=False)
        model.fit(np.ones((6, 4, 4, 1)), np.ones((6, 2)), batch_size=2, verbose=0)
        return len(asked), [np.asarray(weights) for weights in model.get_weights()]

    (asked, weights), (of_keras, expected) = trained(ConvMuon), trained(AsksAnew)
    assert asked == 1 < of_keras
    for found, wanted in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
