"""Names of files, labels and arguments that would break lines, steer a terminal or turn the writing."""

import csv
import json
import os
import unicodedata
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import find_model, sample_images
from tests.support.command_line import Run, printed, sentence

NAME = "a\nb\x1b[31m\u202egnp\x9b\t=1+1.png"
SHOWN = r"a\nb\x1b[31m\u202egnp\x9b\t=1+1.png"
IMAGE = sample_images()[0].read_bytes()


def assert_shows(text: str) -> None:
    """Nothing in `text` but its own line ends steers a terminal."""
    odd = {character for character in text if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert odd <= {"\n"}, odd


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in" / NAME
    path.parent.mkdir()
    path.write_bytes(IMAGE)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model in a file of that name; what stands in a card must be printable."""
    path = tmp_path / f"model{NAME}.tflite"
    path.write_bytes(find_model("fashion-mnist.activations").read_bytes())
    return path


def test_a_line_of_result_is_one_line(edgecnn: Run, photo: Path, model: Path) -> None:
    result = edgecnn("classify", model, photo, "--top", 3)
    assert result.exit_code == 0 and result.stdout.count("\n") == 1
    assert f"{SHOWN}: Ankle boot " in result.stdout
    assert_shows(result.output)


def test_json_has_the_very_name(edgecnn: Run, photo: Path, model: Path) -> None:
    result = edgecnn("classify", model, photo, "--json")
    assert_shows(result.output)
    (row,) = json.loads(printed(result))
    assert row["image"] == str(photo)


@pytest.mark.parametrize("command", ["info", "verify", "features", "benchmark", "classify", "explain"])
def test_every_command_shows_it_escaped(command: str, edgecnn: Run, photo: Path, model: Path, tmp_path: Path) -> None:
    pictures = [photo, "--output", tmp_path / NAME]
    more = {"features": pictures, "classify": [photo, "--output", tmp_path / f"{NAME}.csv"],
            "benchmark": ["--runs", 10], "explain": [*pictures, "--method", "occlusion"]}  # fmt: skip
    result = edgecnn(command, model, *more.get(command, []))
    assert result.exit_code == 0, result.output
    assert_shows(result.output)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("classify", "fashion-mnist", f"no{NAME}"), 1), (("verify", f"no{NAME}"), 1), (("classify", NAME, NAME), 1),
     (("features", "fashion-mnist.activations", "IMAGE", "--output", "IMAGE"), 2), ((f"x{NAME}",), 2),
     ((f"--x{NAME}",), 2), (("classify", f"--x{NAME}"), 2), (("classify", "fashion-mnist", "IMAGE", "--top", NAME), 2),
     (("classify", "fashion-mnist", f"q{NAME}*"), 1), (("pack", f"no{NAME}", "--output", f"{NAME}.tflite"), 1),
     (("convert", NAME), 1), (("train", "--data", NAME), 1)],
)  # fmt: skip
def test_errors_show_it_escaped_in_one_line(
    arguments: tuple[str, ...], code: int, edgecnn: Run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(photo.parent)
    result = edgecnn(*(photo if word == "IMAGE" else word for word in arguments))
    assert SHOWN[:20] in sentence(result, code)
    assert_shows(result.output)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_files_of_results_have_a_row_an_image_whatever_its_name(
    suffix: str, edgecnn: Run, photo: Path, model: Path, tmp_path: Path
) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    other = photo.with_name(os.fsdecode(b"\xff\n.png"))
    other.write_bytes(IMAGE)
    path = tmp_path / f"out{suffix}"
    assert edgecnn("classify", model, photo.parent, "--output", path).exit_code == 0
    names = sorted([str(photo), str(other)])
    if suffix == ".jsonl":
        text = path.read_text()
        assert_shows(text)
        assert [json.loads(line)["image"] for line in text.splitlines()] == names
    elif suffix == ".csv":
        assert_shows(path.read_text())
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        assert [Path(row["image"]).name for row in rows] == [SHOWN, r"\udcff\n.png"]
    else:
        from pyarrow import parquet

        found = parquet.read_table(path).to_pylist()
        assert [row["image"] for row in found] == [names[0], names[1].replace("\udcff", r"\udcff")]


def test_warnings_and_notes_show_it_escaped(edgecnn: Run, photo: Path, tmp_path: Path) -> None:
    (photo.parent / "b\u202e\n.txt\x1b").write_text("")
    result = edgecnn("classify", "fashion-mnist", photo.parent)
    assert result.exit_code == 0 and "left out what is no image" in result.stderr
    assert_shows(result.output)


@pytest.mark.parametrize("command", ["features", "explain"])
@pytest.mark.parametrize(("letter", "count"), [("\u732b", 82), ("\U0001f408", 62)])
def test_pictures_of_images_with_names_as_long_as_can_be_are_written(
    command: str, letter: str, count: int, edgecnn: Run, tmp_path: Path
) -> None:
    photo = tmp_path / f"{letter * count}.png"
    photo.write_bytes(IMAGE)
    result = edgecnn(command, "fashion-mnist.activations", photo, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    (written,) = (tmp_path / "out").iterdir()
    assert letter * 40 in written.name


@pytest.mark.parametrize("command", ["info", "verify", "pack", "sign"])
@pytest.mark.parametrize("model", ["", ".", "/"])
def test_a_model_without_a_name_is_a_sentence(
    model: str, command: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = sentence(edgecnn(command, model, *(["--key", "id"] if command == "sign" else [])))
    assert ("empty name" if not model else f"{model} is a folder") in said
    assert not list(tmp_path.iterdir())
