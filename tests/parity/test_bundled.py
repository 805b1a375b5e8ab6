"""The bundled model on all 10,000 test images: the figures that the README quotes must hold."""

import numpy as np
import pytest

from edgecnn.device import Classifier
from edgecnn.device.runtime.loading import read_packed
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.session import Session
from edgecnn.metrics import evaluate_probabilities
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset

FLOAT32_BYTES = 243_786 * 4  # the weights alone of the float32 model


@pytest.fixture(scope="module")
def probabilities(fashion: Dataset) -> np.ndarray:
    return Classifier("fashion-mnist").predict_all(fashion.test.images, calibrated=False)


def test_int8_is_at_least_93_percent_accurate(probabilities: np.ndarray, fashion: Dataset) -> None:
    assert evaluate_probabilities(probabilities, fashion.test.labels).accuracy >= 0.93


def test_card_states_the_accuracy_that_is_measured(probabilities: np.ndarray, fashion: Dataset) -> None:
    card = read_model(find_model("fashion-mnist")).card
    assert card and card.parity and card.training
    here = evaluate_probabilities(probabilities, fashion.test.labels).accuracy
    # Kernels of other processors may round some of the 8-bit outputs that are nearly tied the other way.
    assert here == pytest.approx(card.parity.accuracy, abs=0.001)
    assert card.parity.keras_accuracy == card.training.test_accuracy


def test_int8_is_within_0_1_points_of_keras_and_agrees_on_99_9_percent() -> None:
    card = read_model(find_model("fashion-mnist")).card
    assert card and card.parity
    assert card.parity.drop_points is not None and abs(card.parity.drop_points) <= 0.1
    assert card.parity.agreement >= 0.999


def test_activations_variant_is_bit_equal_on_all_test_images(fashion: Dataset) -> None:
    raw = []
    for name in ("fashion-mnist", "fashion-mnist.activations"):
        packed = read_packed(name)
        assert packed.card
        session = Session(packed)
        raw.append(session.run_all(fashion.test.images, packed.card.input, session.outputs[PROBABILITIES]))
    np.testing.assert_array_equal(raw[0], raw[1])


def test_file_with_card_labels_and_probes_is_at_most_30_percent_of_float32() -> None:
    assert find_model("fashion-mnist").stat().st_size <= 0.3 * FLOAT32_BYTES


def test_reference_kernels_agree_with_the_fast_ones(probabilities: np.ndarray, fashion: Dataset) -> None:
    packed = read_packed("fashion-mnist")
    assert packed.card
    session = Session(packed, RunOptions(kernels="reference"))
    output = session.outputs[PROBABILITIES]
    raw = session.run_all(fashion.test.images[:300], packed.card.input, output)
    # int8 kernels round differently: up to 17 of 256 steps were seen on this network.
    assert np.abs(output.dequantize(raw) - probabilities[:300]).max() <= 20 / 256
