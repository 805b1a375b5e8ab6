"""Predictions and feature maps show themselves in a notebook."""

import io
import re
import subprocess
import sys

import numpy as np
from PIL import Image

from edgecnn.device import Classifier, FeatureExtractor, Features, Prediction, sample_images
from edgecnn.model_file.card import FeatureMap

BRIGHTEST = (252, 255, 164)  # inferno ends in (0.988362, 0.998364, 0.644924)


def test_a_prediction_is_a_table_of_one_row() -> None:
    html = Prediction("Sneaker", 0.875, 7)._repr_html_()
    assert html.count("<tr><td>") == 1
    assert "<td>Sneaker</td><td>87.5%</td>" in html and 'value="0.8750"' in html


def test_what_classify_returns_is_one_table_with_a_row_a_class() -> None:
    predictions = Classifier("fashion-mnist").classify(sample_images()[0], top=3)
    html = getattr(predictions, "_repr_html_")()  # noqa: B009 - tuples have none, what classify returns has
    assert html.count("<tr><td>") == 3
    places = [html.index(f"<td>{one.label}</td>") for one in predictions]
    assert places == sorted(places)


def test_the_best_answer_alone_is_a_table_too() -> None:
    pixels = np.zeros((28, 28, 1), np.uint8)
    assert hasattr(Classifier("fashion-mnist").classify(pixels), "_repr_html_")


def test_predictions_are_still_an_ordinary_tuple() -> None:
    predictions = Classifier("fashion-mnist").classify(sample_images()[0], top=2)
    assert predictions == tuple(predictions) and isinstance(predictions[:1], tuple)
    assert hash(predictions) == hash(tuple(predictions))


def test_labels_cannot_write_html() -> None:
    html = Prediction("<script>alert(1)</script>", 0.5, 0)._repr_html_()
    assert "<script>" not in html and "&lt;script&gt;" in html


def test_features_are_a_picture_with_the_strongest_value_where_it_is() -> None:
    values = np.array([[0, 1], [2, 9]], np.float32).reshape(2, 2, 1)
    png = Features({"conv2d": values}, np.array([1, 0], np.float32))._repr_png_()
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    rows, columns = np.nonzero((np.abs(pixels.astype(int) - BRIGHTEST) <= 2).all(axis=2))
    assert rows.size > 0
    assert rows.mean() > pixels.shape[0] / 2 and columns.mean() > pixels.shape[1] / 2


def test_features_show_every_layer_of_the_network() -> None:
    features = FeatureExtractor("fashion-mnist.activations").extract(sample_images()[0])
    one_row = Features(dict(list(features.maps.items())[:2]), features.probabilities)
    heights = [Image.open(io.BytesIO(shown._repr_png_())).height for shown in (one_row, features)]
    assert 1.8 < heights[1] / heights[0] < 2.2  # four layers take two rows


def test_a_feature_extractor_shows_the_network_from_its_input_to_its_classes() -> None:
    extractor = FeatureExtractor("fashion-mnist.activations")
    rows = re.findall("<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", extractor._repr_html_())
    assert rows[:2] == [("input", "image", "28 x 28 x 1"), ("conv2d", "Conv2D", "26 x 26 x 64")]
    shapes = [values.shape for values in extractor.extract(sample_images()[0]).maps.values()]
    assert [shape for _, _, shape in rows[1:-1]] == [" x ".join(map(str, shape)) for shape in shapes]
    assert rows[-1] == ("classes", "probabilities", "10")


def test_names_of_layers_cannot_write_html() -> None:
    extractor = FeatureExtractor("fashion-mnist.activations")
    extractor.layers = (FeatureMap("<img src=x>", "Conv2D", (1, 1, 1)),)
    assert "&lt;img" in extractor._repr_html_() and "<img" not in extractor._repr_html_()


def test_matplotlib_is_imported_only_when_features_and_explanations_are_shown() -> None:
    code = """
import sys
from edgecnn.device import Classifier, FeatureExtractor, explain, sample_images
explanation = explain(Classifier("fashion-mnist"), sample_images()[0])
features = FeatureExtractor("fashion-mnist.activations").extract(sample_images()[0])
before = "matplotlib" in sys.modules
pictures = features._repr_png_(), explanation._repr_png_()
print(before, "matplotlib" in sys.modules)
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.stdout.split() == ["False", "True"], result.stderr
