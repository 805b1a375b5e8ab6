"""`edgecnn convert MODEL.keras`: the run directory that it makes, and the options that it needs."""

import json
import shutil
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import bundled_models
from tests.support.command_line import Run, printed
from tests.support.foreign import Foreign


def test_the_command_makes_the_run_and_goes_on_there(edgecnn: Run, foreign: Foreign, tmp_path: Path) -> None:
    model = shutil.copy(foreign.model, tmp_path / "shop.keras")
    common = ("--representative", foreign.photos)
    result = edgecnn("convert", model, "--labels", foreign.labels, *common, "--int8", "--min-agreement", 90)
    assert result.exit_code == 0, result.output
    assert {path.name for path in (tmp_path / "shop").iterdir()} == {
        "model.keras", "card.json", "model.int8.tflite", "model.int8.activations.tflite", "cache",
    }  # fmt: skip
    # Again, and on the run itself: the run is kept.
    again = edgecnn("convert", model, "--labels", foreign.labels, *common, "--float16", "--no-activations")
    assert again.exit_code == 0, again.output
    assert edgecnn("parity", tmp_path / "shop", *common).exit_code == 0
    photo = next((foreign.photos / "Trouser").iterdir())
    told = edgecnn("classify", tmp_path / "shop" / "model.int8.tflite", photo, "--json")
    assert json.loads(printed(told))[0]["predictions"][0]["label"] == "Trouser"
    assert edgecnn("info", tmp_path / "shop" / "model.int8.tflite").exit_code == 0
    drawn = edgecnn("features", tmp_path / "shop" / "model.int8.activations.tflite", photo, "-o", tmp_path / "maps")
    assert drawn.exit_code == 0, drawn.output


def test_an_accuracy_gate_needs_labels(edgecnn: Run, run: Path, foreign: Foreign, tmp_path: Path) -> None:
    shutil.copy(next((foreign.photos / "Bag").iterdir()), tmp_path)
    result = edgecnn("convert", run, "--representative", tmp_path, "--max-drop", 1, "-o", tmp_path / "out")
    assert result.exit_code == 1 and "--max-drop needs images whose class is known" in result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--labels needs --representative"),
        (("--representative", "x", "--offset", "1"), "goes with --scale"),
        (("--representative", "x", "--scale", "a"), "is no number"),
        (("--representative", "x", "--scale", "nan"), "nan is not within 1e6"),
        (("--representative", "x", "--scale", "1,0,1"), "all images would be the same"),
        (("--representative", "x", "--scale", "1", "--offset", "-inf"), "-inf is not within 1e6"),
        (("--representative", "x", "--input-range", "1", "1"), "two different"),
        (("--representative", "x", "--input-range", "nan", "1"), "two different"),
        (("--representative", "x", "--input-range", "0", "1e300"), "within 1e6"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_options_of_a_foreign_model_that_do_not_do_are_wrong_usage(
    options: tuple[str, ...], words: str, edgecnn: Run, foreign: Foreign
) -> None:
    result = edgecnn("convert", foreign.model, "--labels", foreign.labels, *options)
    assert result.exit_code == 2 and words in result.output, result.output


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--fit", "pad"), "--fit is for models trained elsewhere"),
        ((), "was trained elsewhere: give images"),
        (("--feature-layers", "a", "--no-activations"), "leave out one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_options_of_a_run_that_do_not_do_are_wrong_usage(
    options: tuple[str, ...], words: str, edgecnn: Run, run: Path
) -> None:
    result = edgecnn("convert", run, *options)
    assert result.exit_code == 2 and words in result.output, result.output


def test_a_converted_file_is_told_what_to_give(edgecnn: Run) -> None:
    result = edgecnn("convert", bundled_models()["fashion-mnist"])
    assert result.exit_code == 1 and "give the run directory or the .keras file" in result.output


def test_a_foreign_model_alone_is_told_what_it_needs(edgecnn: Run, foreign: Foreign) -> None:
    result = edgecnn("convert", foreign.model)
    assert result.exit_code == 1 and "--labels" in result.output


def test_an_empty_folder_of_images_is_a_sentence(edgecnn: Run, run: Path, tmp_path: Path) -> None:
    result = edgecnn("convert", run, "--representative", tmp_path, "--max-drop", 1)
    assert result.exit_code == 1 and "holds no images" in result.output
