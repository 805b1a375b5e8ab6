"""What the command line says of a .tflite file without a card."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.command_line import Outcome, Run, printed
from tests.support.model_files import write_bare
from tests.support.tflite_files import converted_colours

SIDE = 8


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of another tool, for pixels of -1 to 1, with a label file and a picture beside it."""
    folder = tmp_path_factory.mktemp("colours")
    (folder / "m.tflite").write_bytes(converted_colours("linear", mean=127.5, std=127.5))
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    Image.new("RGB", (SIDE, SIDE), (200, 100, 90)).save(folder / "red.png")
    return folder


def test_labels_and_range_give_the_right_name_and_probability(colours: Path, edgecnn: Run) -> None:
    options = ("--labels", colours / "labels.txt", "--input-range", "-1", "1")
    result = edgecnn("classify", colours / "m.tflite", colours / "red.png", *options, "--json")
    assert result.exit_code == 0, result.output
    scores = np.exp(8 / 255 * (np.array([200, 100, 90]) - 127.5))
    best = json.loads(result.stdout)[0]["predictions"][0]
    assert best["label"] == "red" and best["score"] == pytest.approx(scores[0] / scores.sum(), abs=1e-5)


def label_of(result: Outcome) -> str:
    (row,) = json.loads(printed(result))
    return str(row["predictions"][0]["label"])


def test_the_filter_changes_the_pixels(colours: Path, edgecnn: Run) -> None:
    dotted = np.full((3 * SIDE, 3 * SIDE, 3), (0, 0, 255), np.uint8)
    dotted[1::3, 1::3] = (255, 0, 0)  # red in the middle of nine
    Image.fromarray(dotted).save(colours / "dotted.png")
    command = ("classify", colours / "m.tflite", colours / "dotted.png", "--labels", colours / "labels.txt", "--json")
    assert label_of(edgecnn(*command, "--resize-filter", "nearest")) == "red"
    assert label_of(edgecnn(*command, "--resize-filter", "box")) == "blue"


def test_fit_changes_the_pixels(colours: Path, edgecnn: Run) -> None:
    halves = Image.new("RGB", (3 * SIDE, SIDE), (0, 0, 255))
    halves.paste((255, 0, 0), (SIDE, 0, 2 * SIDE, SIDE))
    halves.save(colours / "wide.png")  # red in the middle third
    command = ("classify", colours / "m.tflite", colours / "wide.png", "--labels", colours / "labels.txt", "--json")
    assert label_of(edgecnn(*command, "--fit", "stretch")) == "blue"
    assert label_of(edgecnn(*command, "--fit", "crop")) == "red"


@pytest.mark.parametrize("ends", [("1", "1"), ("nan", "1"), ("0", "inf")])
def test_range_that_is_none_is_a_usage_error(ends: tuple[str, str], colours: Path, edgecnn: Run) -> None:
    result = edgecnn("classify", colours / "m.tflite", colours / "red.png", "--input-range", *ends)
    assert result.exit_code == 2 and "two different numbers" in result.output


PAINTS = {"red": (220, 30, 40), "green": (30, 220, 40), "blue": (30, 40, 220)}


@pytest.mark.parametrize("shown", [("red", "green", "blue"), ("blue", "red")])
def test_evaluate_finds_the_classes_of_folders_by_name(
    shown: tuple[str, ...], tmp_path: Path, colours: Path, edgecnn: Run
) -> None:
    for part, paint in itertools.product(("train", "test"), shown):  # folders are read in alphabetical order
        folder = tmp_path / part / paint
        folder.mkdir(parents=True)
        for number in range(2 + (paint == "red")):
            Image.new("RGB", (SIDE, SIDE), PAINTS[paint]).save(folder / f"{number}.png")
    options = ("--labels", colours / "labels.txt", "--input-range", "-1", "1", "--data", tmp_path, "--json")
    result = edgecnn("evaluate", colours / "m.tflite", *options)
    assert result.exit_code == 0 and "by name" in result.stderr, result.output
    figures = json.loads(result.stdout)
    assert figures["accuracy"] == 1 and figures["labels"] == ["red", "green", "blue"]
    counts = [(2 + (paint == "red")) * (paint in shown) for paint in ("red", "green", "blue")]
    assert figures["confusion_matrix"] == np.diag(counts).tolist()


def test_evaluate_names_the_class_that_a_model_does_not_know(tmp_path: Path, edgecnn: Run) -> None:
    bare = write_bare(tmp_path / "bare.tflite")
    (tmp_path / "labels.txt").write_text("".join(f"class {number}\n" for number in range(10)))
    result = edgecnn("evaluate", bare, "--labels", tmp_path / "labels.txt")
    assert result.exit_code == 1 and "no label 'T-shirt/top'" in result.output and "class 9" in result.output


def test_a_file_with_a_card_takes_none(edgecnn: Run, colours: Path) -> None:
    result = edgecnn("classify", "fashion-mnist", colours / "red.png", "--fit", "crop")
    assert result.exit_code == 1 and "carries a card" in result.output
