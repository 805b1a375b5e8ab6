"""Wrong usage is answered with what was probably meant."""

import shutil
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import sample_images
from tests.support.command_line import Run, sentence


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (("trian",), "train"),
        (("clasify", "x"), "classify"),
        (("fleet", "statis"), "status"),
        (("service", "instal"), "install"),
    ],
)
def test_a_misspelled_command_is_answered_with_the_nearest(typed: tuple[str, ...], meant: str, edgecnn: Run) -> None:
    assert f"Did you mean '{meant}'?" in sentence(edgecnn(*typed), exit_code=2)


def test_nothing_is_guessed_for_what_resembles_no_command(edgecnn: Run) -> None:
    said = sentence(edgecnn("xyzzy"), exit_code=2)
    assert "No such command 'xyzzy'" in said and "mean" not in said


@pytest.mark.parametrize("command", ["classify", "features", "explain"])
def test_an_image_without_its_model_is_told_what_is_missing(command: str, edgecnn: Run, tmp_path: Path) -> None:
    image = shutil.copy(sample_images()[0], tmp_path / "cat.png")
    said = sentence(edgecnn(command, image), exit_code=2)
    assert (
        "Missing argument 'IMAGES...'" in said and f"{image} is an image, not a model; the model is named first" in said
    )
    assert "not a model" not in sentence(edgecnn(command, "fashion-mnist"), exit_code=2)


@pytest.mark.parametrize(
    "arguments", [("train",), ("evaluate", "fashion-mnist"), ("convert", "run"), ("compare", "a", "b")]
)
def test_a_data_set_without_its_option_is_told_of_it(arguments: tuple[str, ...], edgecnn: Run, tmp_path: Path) -> None:
    assert f"a data set is named with --data {tmp_path}" in sentence(edgecnn(*arguments, tmp_path), exit_code=2)
    for name in ("nothing-of-that-name", "a" * 300):  # the latter is longer than a name can be
        assert "--data" not in sentence(edgecnn(*arguments, name), exit_code=2)


def test_numbers_longer_than_python_reads_are_wrong_usage(edgecnn: Run) -> None:
    for option in ("--image-size", "--freeze"):
        said = sentence(edgecnn("train", option, "9" * 5000), exit_code=2)
        assert f"Invalid value for '{option}'" in said and len(said) < 500


def test_a_data_set_that_no_sample_is_taken_from_is_wrong_usage(edgecnn: Run, tmp_path: Path) -> None:
    said = sentence(edgecnn("samples", tmp_path / "samples", "--data-dir", "/nonexistent"), exit_code=2)
    assert "--data-dir is where --test-image finds Fashion-MNIST" in said and not (tmp_path / "samples").exists()


def test_an_unknown_architecture_is_refused_before_images_are_read(edgecnn: Run, tmp_path: Path) -> None:
    for row, image in enumerate(sample_images()[:8]):
        (tmp_path / f"class {row % 2}").mkdir(exist_ok=True)
        shutil.copy(image, tmp_path / f"class {row % 2}")
    result = edgecnn("train", "--data", tmp_path, "--architecture", "mobilnet_v2", "--dry-run")
    assert "unknown architecture 'mobilnet_v2'" in sentence(result) and "reading" not in result.stderr
