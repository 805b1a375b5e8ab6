"""A network of keras.applications, as people bring them: deep, residual, depthwise, with batch normalisation."""

from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import ModelCard
from edgecnn.convert import KerasModel, Preprocessing, adopt, convert, load_representative
from edgecnn.device import Classifier
from edgecnn.model_file.schemes import Scheme
from edgecnn.pixels.input_spec import InputSpec
from edgecnn.pixels.preprocessing import prepare_source

MAPS = 53  # every convolution, depthwise convolution and pooling


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, generator = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for number in range(12):
        blobs = Image.fromarray(generator.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        blobs.resize((40, 36), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="module")
def run(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory of MobileNetV2, its batch normalisation made to fit the photographs."""
    folder = tmp_path_factory.mktemp("applications")
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((32, 32, 3), alpha=0.35, weights=None, classes=10)
    spec = InputSpec(32, 32, 3, "rgb", "stretch", "bilinear", (1.0,) * 3, (0.0,) * 3, "any")
    images = [prepare_source(path, spec).pixels for path in sorted(photos.iterdir())]
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.5
    for _ in range(8):
        model(np.stack(images) / np.float32(127.5) - 1, training=True)
    model.save(folder / "mobilenetv2.keras")
    labels = tuple(f"class {number}" for number in range(10))
    chosen = Preprocessing(scale=(1 / 127.5,), offset=(-1.0,))
    return adopt(folder / "mobilenetv2.keras", labels, folder / "mobilenetv2", chosen)


# The other schemes, and ResNet50V2, take minutes: they were converted by hand.
@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_it_converts(scheme: Scheme, run: Path, photos: Path, tmp_path: Path) -> None:
    images = load_representative(photos, ModelCard.load(run / "card.json"))
    made = convert(run, images, scheme=scheme, calibration_images=12, output=tmp_path)
    assert made.bit_equal and len(made.layers) == MAPS + 1
    if scheme == "float32":
        keras_says = KerasModel(run / "model.keras").predict_all(images.test.images)
        assert keras_says.std(axis=0).max() > 0.01  # the images are told apart
        found = Classifier(made.plain.path).predict_all(images.test.images)
        np.testing.assert_allclose(found, keras_says, atol=1e-4)
