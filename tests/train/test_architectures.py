"""R2 and R3 of the reference: the tutorial's network, layer by layer."""

from pathlib import Path

import keras
import numpy as np
import pytest

from edgecnn import InputError
from edgecnn.train.architectures import build_network, reference, require_classifier

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
        ("leaving", "cannot be built .*: no GPU"),
        ("unbuilt", "begins with keras.Input"),
        ("subclassed", "begins with keras.Input"),
    ],
)
def test_a_builder_that_builds_something_else_is_a_sentence(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        build_network(f"{OWN}:{name}", (8, 8, 3), 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("logits", r"does not give probabilities \(they must sum to 1, and are .* here\); end it with a softmax"),
        ("sigmoids", "does not give probabilities"),
        ("named", "cannot be run: 'one row' is not a valid scope name; mend that in it"),
        ("asserting", "cannot be run: AssertionError; mend that in it"),
        ("text", "must return a Keras model"),
    ],
)
def test_a_network_that_would_be_trained_in_vain_is_a_sentence(name: str, message: str) -> None:
    require_classifier(f"{OWN}:net", (8, 8, 3), 2)
    with pytest.raises(InputError, match=message):
        require_classifier(f"{OWN}:{name}", (8, 8, 3), 2)


def test_a_file_that_is_missing_or_does_not_run_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no architecture file"):
        build_network(f"{tmp_path / 'other.py'}:net", (8, 8, 3), 4)
    own = tmp_path / "own.py"
    own.write_text("1 / 0")
    with pytest.raises(InputError, match=r"does not run \(ZeroDivisionError: division by zero\); correct it"):
        build_network(f"{own}:net", (8, 8, 3), 4)
    own.write_text("import sys\n\nsys.exit()\n")
    with pytest.raises(InputError, match=r"does not run \(SystemExit\)"):
        build_network(f"{own}:net", (8, 8, 3), 4)
