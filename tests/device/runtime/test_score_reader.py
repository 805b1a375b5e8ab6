"""With a temperature in the card, all that people are told is calibrated, and what compares machines is not."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edgecnn.convert import Conversion
from edgecnn.device import Classifier, FeatureExtractor, explain, verify
from edgecnn.device.runtime.score_reader import ScoreReader
from edgecnn.pixels.dataset import Dataset
from edgecnn.temperature import apply_temperature
from tests.conftest import ON_A_BOARD
from tests.support.scored import CONFIDENCE, write_scored


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    return Classifier(write_scored(tmp_path_factory.mktemp("plain") / "plain.tflite", None), trust=True)


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_scored(tmp_path_factory.mktemp("scored") / "scored.tflite")


def test_every_way_to_ask_gives_the_same_calibrated_score(plain: Classifier, scored: Path, fashion: Dataset) -> None:
    images, classifier = fashion.test.images[: 8 if ON_A_BOARD else 60], Classifier(scored, trust=True)
    expected = apply_temperature(plain.predict_all(images), 1.7)
    np.testing.assert_array_equal(classifier.predict_all(images), expected)
    for image, row in zip(images, expected, strict=True):
        np.testing.assert_array_equal(classifier.probabilities(image), row)
        (best,) = classifier.classify(image)
        assert (best.score, best.index) == (float(row.max()), int(row.argmax()))
        assert classifier.rank(image, 3)[0] == best


def test_top_1_is_as_it_was(plain: Classifier, scored: Path, fashion: Dataset) -> None:
    images = fashion.test.images[: 40 if ON_A_BOARD else 1000]  # emulated, an image takes a tenth of a second
    here, before = Classifier(scored, trust=True).predict_all(images), plain.predict_all(images)
    np.testing.assert_array_equal(here.argmax(axis=1), before.argmax(axis=1))
    assert (here.max(axis=1) < before.max(axis=1)).mean() > 0.5  # a temperature above 1 makes it less sure


def test_feature_maps_and_explanations_tell_the_same_score(plain: Classifier, scored: Path, fashion: Dataset) -> None:
    image = fashion.test.images[3]
    expected = apply_temperature(plain.predict_all(image[None]), 1.7)[0]
    variant = write_scored(scored.with_name("maps.tflite"), model="fashion-mnist.activations")
    maps = FeatureExtractor(variant, trust=True).extract(image)
    np.testing.assert_array_equal(maps.probabilities, expected)
    assert explain(Classifier(scored, trust=True), image).predicted.score == float(expected.max())


def test_probes_are_compared_as_the_network_answers(scored: Path) -> None:
    result = verify(scored, trust=True)
    # Another processor's kernels may be steps of 1/256 off, with or without a temperature.
    assert result.passed and result.max_difference == verify("fashion-mnist").max_difference


def test_floats_are_scaled_too(float32: Conversion, fashion: Dataset) -> None:
    classifier = Classifier(float32.plain.path, trust=True)
    network = classifier.predict_all(fashion.test.images[:50], calibrated=False)
    loaded = classifier.loaded
    assert loaded.card
    card = dataclasses.replace(loaded.card, confidence=CONFIDENCE)
    reader = ScoreReader(dataclasses.replace(loaded, packed=dataclasses.replace(loaded.packed, card=card)))
    np.testing.assert_array_equal(reader.probabilities(network), apply_temperature(network, 1.7))
    assert reader.score_of(network[0], 0) is None and not reader.is_elementwise
