"""Images unlike those at calibration are noticed, and those like them are not."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelFileError
from edgecnn.convert import Conversion, convert
from edgecnn.device import Classifier
from edgecnn.device.drift import FEW
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset, Split
from edgecnn.train import TrainingRun
from tests.support.command_line import Run, printed
from tests.support.model_files import fields_of_card, repacked

MODEL = "fashion-mnist.activations"


def watched(images: np.ndarray, model: str | Path = MODEL) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """What is said of each image, and of all."""
    classifier = Classifier(model)
    watch = classifier.watch()
    drifts = []
    for pixels in images:
        classifier.classify(pixels)
        drifts.append(tuple(f"{drift.layer}: {drift.kind}" for drift in watch.look(pixels)))
    return drifts, watch.summary()


def test_test_images_are_like_those_at_calibration(fashion: Dataset) -> None:
    drifts, _ = watched(np.asarray(fashion.test.images[:300]))
    assert sum(bool(of_image) for of_image in drifts) <= 3  # the odd garment is odd


def test_noise_is_outside_calibration_in_the_first_feature_maps() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (FEW, 28, 28, 1), dtype=np.uint8)
    drifts, summary = watched(noise)
    assert all("conv2d: outside calibration" in of_image for of_image in drifts)
    assert any(line.startswith(f"conv2d: outside calibration in {FEW} of {FEW} images") for line in summary)


def test_white_images_are_outside_calibration_already_at_the_input() -> None:
    drifts, summary = watched(np.full((FEW, 28, 28, 1), 255, np.uint8))
    assert all(of_image[0] == "image: outside calibration" for of_image in drifts)
    # All images are one: every channel that is not dead at calibration seems so now where nothing varies.
    assert any(line.startswith("max_pooling2d_1:") and "dead channels" in line for line in summary)


def test_ranges_are_those_of_keras_on_the_calibration_images(
    int8: Conversion, small_run: TrainingRun, small: Dataset
) -> None:
    keras = pytest.importorskip("keras")
    from edgecnn.convert.network.calibration import draw_images

    card = read_model(int8.plain.path).card
    assert card
    images = draw_images(small.train, 100, 0) / np.float32(255)
    model = keras.models.load_model(small_run.path / "model.keras")
    first = np.asarray(keras.Sequential(model.layers[:1])(images))
    assert [layer.name for layer in card.ranges] == ["image", *(layer.name for layer in card.feature_maps)]
    calibrated = card.ranges[1]
    np.testing.assert_allclose((calibrated.low, calibrated.high), (first.min(), first.max()), rtol=1e-4, atol=1e-6)
    means = first.mean(axis=(1, 2, 3))
    np.testing.assert_allclose((calibrated.mean_low, calibrated.mean_high), (means.min(), means.max()), rtol=1e-4)
    constant = np.flatnonzero(first.max(axis=(0, 1, 2)) == first.min(axis=(0, 1, 2)))
    assert list(calibrated.constant_channels) == constant.tolist()


def test_values_at_the_end_of_the_range_are_saturated(int8: Conversion, small: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    assert int8.activations
    drifts, _ = watched(np.asarray(small.test.images[:50]), int8.activations.path)
    assert not any("saturated" in drift for of_image in drifts for drift in of_image)
    dark = dataclasses.replace(small, train=Split(np.asarray(small.train.images[:100]) // 8, small.train.labels[:100]))
    made = convert(int8.plain.path.parent, dark, output=tmp_path)
    assert made.activations
    drifts, summary = watched(np.asarray(small.test.images[:50]), made.activations.path)
    assert sum("conv2d: saturated" in of_image for of_image in drifts) > 25
    assert any("saturated in" in line for line in summary)


def test_the_command_says_it_for_each_image_and_for_all(edgecnn: Run, tmp_path: Path) -> None:
    for number in range(FEW):
        Image.new("L", (28, 28), 255).save(tmp_path / f"{number:02}.png")
    result = edgecnn("classify", MODEL, tmp_path, "--drift")
    assert result.exit_code == 0 and "(image: outside calibration (mean 1, at calibration 0.09468" in result.stdout
    assert f"drift: image: outside calibration in {FEW} of {FEW} images" in result.stderr
    assert "shows its input alone" not in result.stderr
    rows = json.loads(printed(edgecnn("classify", MODEL, tmp_path, "--drift", "--json")))
    assert len(rows) == FEW and all(row["drift"] for row in rows)
    plain = edgecnn("classify", "fashion-mnist", tmp_path, "--drift")
    assert "shows its input alone" in plain.stderr and "image: outside calibration" in printed(plain)


def test_a_card_of_before_is_a_sentence(int8: Conversion, tmp_path: Path) -> None:
    fields = fields_of_card(int8.plain.path)
    del fields["ranges"]
    classifier = Classifier(repacked(tmp_path / "old.tflite", int8.plain.path, fields=fields))
    with pytest.raises(ModelFileError, match="no ranges of its calibration; convert the model again"):
        classifier.watch()
