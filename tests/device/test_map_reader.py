"""Feature maps in bytes: those of the image that was classified last, as the network has them."""

from pathlib import Path

import numpy as np
import pytest

from edgecnn.convert import Conversion
from edgecnn.device import Classifier, FeatureExtractor, sample_images
from edgecnn.device.map_reader import MapReader
from tests.support.model_files import write_bare

VARIANT = "fashion-mnist.activations"


def test_they_are_those_of_the_pixels_that_are_given_whatever_ran_before() -> None:
    classifier, extractor = Classifier(VARIANT), FeatureExtractor(VARIANT)
    reader = MapReader(classifier.loaded)
    first, second = (classifier.prepare(path).pixels for path in sample_images()[:2])
    looks = ((first, first), (first, second), (second, first), (first, None), (second, None), (first, None))
    for pixels, ran_before in looks:
        if ran_before is not None:
            classifier.rank(ran_before)
        expected = extractor.extract(pixels).maps
        found = reader.read(pixels, reader.layers)
        assert list(found) == list(expected) == list(reader.layers)
        for name, one in found.items():
            real = np.float32(one.scale) * (one.values.astype(np.float32) - np.float32(one.zero))
            assert one.is_exact and np.array_equal(real, expected[name])


def test_only_what_is_asked_for_is_read_and_a_plain_model_has_none() -> None:
    pixels = Classifier(VARIANT).prepare(sample_images()[0]).pixels
    assert list(MapReader(Classifier(VARIANT).loaded).read(pixels, {"conv2d_1", "dense"})) == ["conv2d_1"]
    plain = MapReader(Classifier("fashion-mnist").loaded)
    assert plain.layers == () and plain.read(pixels, {"conv2d"}) == {}


def test_a_file_without_a_card_has_the_maps_that_look_like_some(tmp_path: Path) -> None:
    with pytest.warns(match="card"):
        classifier = Classifier(write_bare(tmp_path / "bare.tflite", VARIANT))
    pixels = Classifier(VARIANT).prepare(sample_images()[0]).pixels
    found = MapReader(classifier.loaded).read(pixels, MapReader(classifier.loaded).layers)
    expected = FeatureExtractor(VARIANT).extract(pixels).maps
    assert {name: one.values.shape for name, one in found.items()} == {
        name: values.shape for name, values in expected.items()
    }


def test_of_floats_they_are_the_nearest_of_256_values_from_0_on(float32: Conversion) -> None:
    assert float32.activations
    path = float32.activations.path
    classifier = Classifier(path)
    pixels = classifier.prepare(sample_images()[0]).pixels
    found = MapReader(classifier.loaded).read(pixels, ["conv2d", "max_pooling2d_1"])
    expected = FeatureExtractor(path).extract(pixels).maps
    assert list(found) == ["conv2d", "max_pooling2d_1"]
    for name, one in found.items():
        real = one.scale * (one.values - one.zero)
        assert not one.is_exact and np.abs(real - expected[name]).max() <= 0.501 * one.scale
        assert one.values.max() == 255 and one.zero == 0  # what ReLU leaves begins at 0
