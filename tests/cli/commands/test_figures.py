"""edgecnn verify, info, evaluate and samples: what they print."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.model_file.bundled import sample_images
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun
from tests.support.command_line import Run, printed, sentence
from tests.support.model_files import fields_of_card, repacked


def test_verify_passes_and_says_so(edgecnn: Run) -> None:
    result = edgecnn("verify", "fashion-mnist")
    assert result.exit_code == 0 and result.stdout.splitlines()[-1] == "PASS"
    assert json.loads(printed(edgecnn("verify", "fashion-mnist", "--json")))["passed"] is True


def test_a_figure_is_never_shown_as_its_limit(edgecnn: Run, tmp_path: Path) -> None:
    fields = fields_of_card()
    fields["parity"]["accuracy"] = 0.97996
    file = repacked(tmp_path / "model.tflite", fields=fields)
    assert "is 97.996%; 98 % are asked for" in sentence(edgecnn("verify", file, "--min-accuracy", 98))


def test_info_shows_card_tensors_operators_macs_and_parameters(edgecnn: Run) -> None:
    text = printed(edgecnn("info", "fashion-mnist"))
    for part in ("Ankle boot", "28 x 28 grayscale", "0.00392157, -128", "CONV_2D", "4,460,544", "5,056,000", "243,786"):
        assert part in text
    data = json.loads(printed(edgecnn("info", "fashion-mnist", "--json")))
    assert (data["macs"], data["parameters"]) == (5_056_000, 243_786)
    assert data["card"]["labels"][7] == "Sneaker" and set(data["outputs"]) == {"probabilities"}


def test_info_of_a_keras_file_shows_its_layers(edgecnn: Run, small_run: TrainingRun) -> None:
    text = printed(edgecnn("info", small_run.model_path))
    for part in ("conv2d (Conv2D)", "26 x 26 x 64", "36,928", "243,786", "5,056,000"):
        assert part in text


@pytest.mark.parametrize("kind", ["tflite", "keras"])
def test_evaluate_counts_the_whole_test_set(kind: str, edgecnn: Run, request: pytest.FixtureRequest) -> None:
    model = "fashion-mnist" if kind == "tflite" else request.getfixturevalue("small_run").model_path
    data = json.loads(printed(edgecnn("evaluate", model, "--json")))
    confusion = np.array(data["confusion_matrix"])
    assert data["images"] == confusion.sum() == 10_000
    assert data["accuracy"] == confusion.trace() / 10_000


def test_samples_writes_the_bundled_images(edgecnn: Run, tmp_path: Path) -> None:
    result = edgecnn("samples", tmp_path / "photos")
    assert result.exit_code == 0
    assert [path.name for path in sorted((tmp_path / "photos").iterdir())] == [path.name for path in sample_images()]
    assert "exists already" in sentence(edgecnn("samples", tmp_path / "photos"))


@pytest.mark.parametrize("path", sample_images(), ids=lambda path: path.stem)
def test_bundled_sample_is_the_test_image_it_is_named_after(path: Path, fashion: Dataset) -> None:
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), fashion.test.images[int(path.name[5:9]), :, :, 0])


def test_samples_writes_test_images_by_number(edgecnn: Run, tmp_path: Path, fashion: Dataset) -> None:
    result = edgecnn("samples", tmp_path, "--test-image", "104", "--test-image", "3")
    assert result.exit_code == 0
    with Image.open(tmp_path / "test-0104-sneaker.png") as image:
        np.testing.assert_array_equal(np.asarray(image), fashion.test.images[104, :, :, 0])
