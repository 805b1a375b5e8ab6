"""R2 and R3 of the reference: the tutorial's network, layer by layer."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.train import RECIPES
from edgecnn.train.architectures import build_network, build_training_model, reference
from edgecnn.train.fitting.optimizers import ConvMuon
from edgecnn.train.recipes import AUGMENTATIONS, Augmentation

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
    with pytest.raises(InputError, match="unknown architecture 'resnet'; known: reference, compact, residual"):
        build_network("resnet", (28, 28, 1), 10)


def macs(model: keras.Model) -> int:
    """Multiply-accumulates of one image, layer by layer from the shapes of output and kernel."""
    kernels = [(layer.output.shape[1:-1], layer.kernel.shape) for layer in model.layers if hasattr(layer, "kernel")]
    return sum(int(np.prod(positions, dtype=int) * np.prod(kernel)) for positions, kernel in kernels)


def test_compact_costs_no_more_than_the_reference() -> None:
    model = build_network("compact", (28, 28, 1), 10)
    assert model.count_params() <= 250_000
    assert macs(model) <= macs(build_network("reference", (28, 28, 1), 10)) == 5_056_000


OWN = Path(__file__).parents[1] / "support" / "own_architectures.py"


def test_people_bring_their_own_builder() -> None:
    assert build_network(f"{OWN}:net", (8, 8, 3), 4).output_shape == (None, 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("headless", r"must return \(None, 4\), one probability a class"),
        ("text", "must return a Keras model. Received: str"),
        ("broken", "cannot be built for images of .*: too small an image"),
        ("missing", "has no function 'missing'"),
        ("mistyped", "cannot be built .* no attribute 'Conv2d'"),
        ("silent", "cannot be built .*: ValueError"),
        ("unbuilt", "begins with keras.Input"),
        ("subclassed", "begins with keras.Input"),
    ],
)
def test_a_builder_that_builds_something_else_is_a_sentence(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_network(f"{OWN}:{name}", (8, 8, 3), 4)


def test_a_file_that_is_missing_or_does_not_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no architecture file"):
        build_network(f"{tmp_path / 'other.py'}:net", (8, 8, 3), 4)
    own = tmp_path / "own.py"
    own.write_text("1 / 0")
    with pytest.raises(InputError, match="does not run: ZeroDivisionError"):
        build_network(f"{own}:net", (8, 8, 3), 4)


@pytest.mark.parametrize("architecture", ["reference", "compact", "residual"])
def test_regularisation_shares_the_weights_and_does_nothing_at_inference(architecture: str) -> None:
    model = build_network(architecture, (28, 28, 1), 10)
    recipe = dataclasses.replace(RECIPES["best"], augment=AUGMENTATIONS, dropout=0.5)
    trained = build_training_model(model, recipe, background=0.0)
    images = np.random.default_rng(0).random((3, 28, 28, 1), dtype=np.float32)
    assert trained.count_params() == model.count_params()
    np.testing.assert_array_equal(
        np.asarray(trained(images, training=False)), np.asarray(model(images, training=False))
    )
    assert not np.allclose(np.asarray(trained(images, training=True)), np.asarray(model(images)))


def test_l2_adds_the_squared_kernels_to_the_loss() -> None:
    model = reference((28, 28, 1), 10)
    trained = build_training_model(model, dataclasses.replace(RECIPES["fast"], l2=0.01), background=0.0)
    kernels = [np.asarray(variable) for variable in model.trainable_variables if len(variable.shape) > 1]
    expected = 0.01 * sum(float(np.square(kernel).sum()) for kernel in kernels)
    assert sum(float(loss) for loss in trained.losses) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_every_augmentation_changes_images_and_keeps_their_range(name: Augmentation) -> None:
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Identity()])
    trained = build_training_model(model, dataclasses.replace(RECIPES["fast"], augment=(name,)), background=0.0)
    images = np.random.default_rng(0).random((64, 28, 28, 1), dtype=np.float32)
    changed = np.asarray(trained(images, training=True))
    assert (changed != images).any() and changed.min() >= 0 and changed.max() <= 1


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
