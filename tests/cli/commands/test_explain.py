"""edgecnn explain: pictures, arrays and JSON; one sentence for what cannot be explained."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.device import Classifier, explain, sample_images
from edgecnn.pixels.crop import Crop
from tests.support.command_line import Run, printed, sentence
from tests.support.model_files import write_bare

BOOT, PULLOVER = sample_images()[:2]


def test_explain_writes_a_picture_an_image_and_the_heat_maps(edgecnn: Run, tmp_path: Path) -> None:
    result = edgecnn("explain", "fashion-mnist", BOOT, PULLOVER, "--npz", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    pictures = [f"explanation-1-{BOOT.stem}.png", f"explanation-2-{PULLOVER.stem}.png"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*pictures, "explanations.npz"}
    assert all(str(tmp_path / "out" / name) in result.stdout for name in pictures)
    classifier = Classifier("fashion-mnist")
    best = classifier.classify(BOOT)[0]
    assert best.label == "Ankle boot" and f"occlusion: Ankle boot {best.score:.1%}" in result.stdout
    assert "brightness" in result.stdout
    with np.load(tmp_path / "out" / "explanations.npz") as arrays:
        assert arrays["heat_maps"].dtype == np.float32 and arrays["heat_maps"].shape == (2, 28, 28)
        np.testing.assert_array_equal(arrays["heat_maps"][1], explain(classifier, PULLOVER).heat_map)
        assert list(arrays["labels"]) == ["Ankle boot", "Pullover"]
        assert list(arrays["images"]) == [BOOT.name, PULLOVER.name]


def test_json_has_what_python_has(edgecnn: Run, tmp_path: Path) -> None:
    options = ["--class", "Sneaker", "--method", "rise", "--json", "--output", tmp_path]
    result = json.loads(printed(edgecnn("explain", "fashion-mnist", BOOT, *options)))
    wanted = explain(Classifier("fashion-mnist"), BOOT, "Sneaker", method="rise")
    (row,) = result["explanations"]
    assert row["target"] == {"label": "Sneaker", "score": wanted.target.score}
    assert row["predicted"]["label"] == "Ankle boot" and row["doubts"] == list(wanted.doubts)
    assert [(one["insertion"], one["deletion"]) for one in row["scores"]] == [
        (score.insertion, score.deletion) for score in wanted.scores
    ]
    with Image.open(result["files"][0]) as picture:
        assert picture.width > 500


@pytest.mark.parametrize(
    ("options", "crop"), [(["--crop", "10,0,20,20"], (10, 0, 20, 20)), (["--square"], "square"), (["--whole"], None)]
)
def test_what_is_explained_is_the_part_that_classify_answered(
    options: list[str], crop: Crop | None, edgecnn: Run, tmp_path: Path
) -> None:
    with Image.open(BOOT) as boot:
        boot.resize((40, 20)).save(tmp_path / "wide.png")
    classifier = Classifier("fashion-mnist")
    explained = explain(classifier, tmp_path / "wide.png", crop=crop)
    np.testing.assert_array_equal(explained.pixels, classifier.prepare(tmp_path / "wide.png", crop=crop).pixels)
    done = edgecnn("explain", "fashion-mnist", tmp_path / "wide.png", *options, "--npz", "--json", "-o", tmp_path / "o")
    (row,) = json.loads(printed(done))["explanations"]
    answer = classifier.classify(tmp_path / "wide.png", crop=crop)[0]
    assert row["target"] == {"label": answer.label, "score": answer.score}
    with np.load(tmp_path / "o" / "explanations.npz") as arrays:
        np.testing.assert_array_equal(arrays["heat_maps"][0], explained.heat_map)


@pytest.mark.parametrize(
    ("options", "exit_code", "message"),
    [
        (["--class", "Sneker"], 2, "has no label 'Sneker'; its labels are T-shirt/top"),
        (["--method", "eigencam"], 2, "'eigencam' is not one of 'occlusion', 'rise', 'cam'"),
        (["--method", "cam"], 1, "end in global average pooling"),
    ],
)
def test_what_cannot_be_explained_is_a_sentence(
    options: list[str], exit_code: int, message: str, edgecnn: Run, tmp_path: Path
) -> None:
    result = edgecnn("explain", "fashion-mnist.activations", BOOT, *options, "--output", tmp_path / "out")
    assert message in sentence(result, exit_code=exit_code)
    assert not (tmp_path / "out").exists()


def test_files_that_exist_are_kept_without_force(edgecnn: Run, tmp_path: Path) -> None:
    arguments = ["explain", "fashion-mnist", BOOT, "--npz", "--output", tmp_path]
    assert edgecnn(*arguments).exit_code == 0
    assert "explanations.npz exists already" in sentence(edgecnn(*arguments))
    assert "exists already" in sentence(edgecnn(*arguments[:3], "--output", tmp_path))
    assert edgecnn(*arguments, "--force").exit_code == 0


def test_images_that_do_not_read_fail_and_the_others_are_explained(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    shutil.copy(BOOT, tmp_path / "a$_$b.png")
    images = [tmp_path / "text.png", tmp_path / "a$_$b.png"]
    result = edgecnn("explain", "fashion-mnist", *images, "--json", "--output", tmp_path / "out")
    assert result.exit_code == 1 and "text.png" in result.stderr
    assert [row["image"] for row in json.loads(result.stdout)["explanations"]] == ["a$_$b.png"]


def test_labels_of_a_file_without_a_card_are_those_that_are_given(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("".join(f"{name}\n" for name in "abcdefghij"))
    said = ["--labels", tmp_path / "labels.txt", "--input-range", "0", "1", "--class", "c", "--output", tmp_path / "o"]
    result = edgecnn("explain", write_bare(tmp_path / "bare.tflite"), BOOT, *said)
    assert result.exit_code == 0 and "occlusion: c " in result.stdout
