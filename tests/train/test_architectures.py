"""R2 and R3 of the reference: the tutorial's network, layer by layer."""

import keras
import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.train.architectures import build, reference, regularised
from edgecnn.train.optimizers import ConvMuon

LAYERS = [  # class, output shape, parameters: the tutorial's model summary
    ("Conv2D", (26, 26, 64), 640),
    ("MaxPooling2D", (13, 13, 64), 0),
    ("Conv2D", (11, 11, 64), 36_928),
    ("MaxPooling2D", (5, 5, 64), 0),
    ("Flatten", (1600,), 0),
    ("Dense", (128,), 204_928),
    ("Dense", (10,), 1_290),
]


def test_reference_has_the_tutorials_layers_and_243786_parameters() -> None:
    model = reference((28, 28, 1), 10)
    assert [(type(x).__name__, x.output.shape[1:], x.count_params()) for x in model.layers] == LAYERS
    assert model.count_params() == 243_786
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 243_786
    assert model.count_params() * 4 / 1024 == pytest.approx(952.29, abs=0.005)


def test_reference_has_the_tutorials_activations() -> None:
    activations = [
        layer.activation.__name__ for layer in reference((28, 28, 1), 10).layers if hasattr(layer, "activation")
    ]
    assert activations == ["relu", "relu", "relu", "softmax"]


def test_unknown_architecture_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="unknown architecture 'resnet'; known: reference"):
        build("resnet", (28, 28, 1), 10)


def test_regularisation_shares_the_weights_and_does_nothing_at_inference() -> None:
    model = reference((28, 28, 1), 10)
    trained = regularised(model, flip=True, dropout=0.5)
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    assert trained.count_params() == 243_786
    np.testing.assert_array_equal(
        np.asarray(trained(images, training=False)), np.asarray(model(images, training=False))
    )
    assert not np.allclose(np.asarray(trained(images, training=True)), np.asarray(model(images)))


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
