"""What is infinite or no number, in Keras or in a file, is a sentence, or null in a report."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from edgecnn import EdgecnnError, ModelFileError
from edgecnn.convert import ParityReport, Preprocessing, adopt, convert, load_representative, parity
from edgecnn.convert.comparison.report import to_json
from edgecnn.convert.comparison.report_page import to_html
from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory
from tests.support.foreign import save_pictures

layers, ops = keras.layers, keras.ops
PICTURES = np.random.default_rng(0).integers(1, 256, (6, 8, 8, 3), np.uint8)
INFINITE, NAN = float("inf"), float("nan")


def adopted(folder: Path, image: Any, x: Any) -> tuple[RunDirectory, Dataset]:
    """A run of a network that ends in `x`, and images for it."""
    scores = layers.Dense(2, activation="softmax", name="scores")(layers.Flatten()(x))
    keras.Model(image, scores).save(folder / "net.keras")
    save_pictures(folder / "photos", PICTURES)
    run = RunDirectory(adopt(folder / "net.keras", ("a", "b"), folder / "run", Preprocessing((1 / 255,))))
    return run, load_representative(folder / "photos", run.read_card())


@pytest.fixture(scope="module")
def divided(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunDirectory, Dataset, ParityReport]:
    """A network that divides by the mean of the image, its images, and how its float32 file is."""
    keras.utils.set_random_seed(0)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(2, 3, name="conv")(image / ops.mean(image, axis=(1, 2, 3), keepdims=True))
    run, images = adopted(tmp_path_factory.mktemp("divided"), image, x)
    convert(run.path, images, scheme="float32", calibration_images=6)
    return run, images, parity(run.path, images, scheme="float32")


def test_an_image_that_keras_has_no_answer_for_is_counted(
    divided: tuple[RunDirectory, Dataset, ParityReport], tmp_path: Path
) -> None:
    run, _, _ = divided
    save_pictures(tmp_path / "photos", PICTURES)
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "black.png")
    images = load_representative(tmp_path / "photos", run.read_card())
    words = r"model\.keras gives probabilities that are no numbers \(NaN\) for 1 of 7 images"
    with pytest.raises(ModelFileError, match=words):
        parity(run.path, images, scheme="float32", force=True)
    with pytest.raises(ModelFileError, match=words):
        convert(run.path, images, scheme="float32", calibration_images=6, output=tmp_path)
    assert not list(tmp_path.glob("*.tflite"))


def test_figures_that_are_none_are_null(divided: tuple[RunDirectory, Dataset, ParityReport]) -> None:
    ladder = divided[2].ladder
    last = ladder.rungs[-1]
    strange = [
        dataclasses.replace(last.layers[0], range=(0.0, INFINITE), keras_range=(-INFINITE, NAN), sqnr_db=-INFINITE),
        dataclasses.replace(last.layers[1], cosine=NAN, sqnr_db=NAN),
    ]
    rungs = (*ladder.rungs[:-1], dataclasses.replace(last, layers=tuple(strange)))
    ladder = dataclasses.replace(ladder, rungs=rungs)
    first, second = json.loads(to_json(ladder, ()))["rungs"][-1]["layers"]
    assert (first["range"], first["keras_range"], first["sqnr_db"]) == ([0.0, None], [None, None], None)
    assert (second["cosine"], second["sqnr_db"]) == (None, None)
    assert to_html(ladder, ()).endswith("</html>\n")


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_infinite_feature_map_is_named(tmp_path: Path) -> None:
    image = keras.Input((8, 8, 3))
    x = layers.MaxPooling2D(name="pool")(ops.exp(layers.Conv2D(3, 1, name="conv")(image * 1e4)))
    run, images = adopted(tmp_path, image, 1 / (1 + x))
    with pytest.raises(EdgecnnError, match="layer pool gives infinite values in Keras"):
        convert(run.path, images, scheme="float32", calibration_images=6)
    assert not list(run.path.glob("*.tflite"))
