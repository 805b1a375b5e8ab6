"""Data sets by what a user names, in the library and on the command line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgecnn import DataError, InputError
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import InputChoice, load_dataset
from edgecnn.train.data.image_folder import LabelSource
from tests.support.command_line import in_this_process, printed

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_an_empty_name_is_a_sentence_and_not_the_current_folder() -> None:
    with pytest.raises(DataError, match="name is empty"):
        load_dataset("")


def test_labels_that_nothing_takes_are_refused(
    few: Path, fashion: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, file in (("fashion-mnist", "picture.png"), ("idx", "train-images-idx3-ubyte")):
        Path(folder).mkdir()
        Path(folder, file).write_bytes(b"")
    for name in (None, "fashion-mnist", "idx", few):
        for source in (LabelSource(csv=Path("missing.csv")), LabelSource(names=True)):
            with pytest.raises(DataError, match="labels in a CSV file or in names are of a folder of images"):
                load_dataset(name, labelled=source)


def test_a_folder_of_fashion_mnist_is_not_taken_beside_other_data(few: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"of the files of fashion-mnist. Received: {few} as data too; leave one"):
        load_dataset(few, data_dir=tmp_path)
    ran = in_this_process("train", "--data", few, "--data-dir", tmp_path, "--output", tmp_path / "run")
    assert ran.exit_code == 2 and "--data-dir is of the files of fashion-mnist" in ran.stderr


def test_a_run_directory_does_not_become_a_class_of_the_data(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(photos.rglob("*"))
    monkeypatch.chdir(photos)
    for options in ((), ("--output", photos / "bag" / "run"), ("--output", photos)):
        for data in (".", photos):
            ran = in_this_process("train", "--data", data, *options)
            assert ran.exit_code == 2 and "would lie in the data" in ran.stderr and "--output" in ran.stderr
    assert sorted(photos.rglob("*")) == before
    monkeypatch.chdir(tmp_path)
    ran = in_this_process("train", "--data", photos, "--output", f"{photos}-run", "--architecture", "nothing.py:net")
    assert "would lie" not in ran.stderr


def test_own_photographs_train_convert_and_classify_through_the_command_line(photos: Path, tmp_path: Path) -> None:
    (photos / "bag" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    run = tmp_path / "run"

    def edgecnn(*arguments: str | Path) -> str:
        return printed(in_this_process(*arguments))

    options: list[str | Path] = [
        "--image-size",
        "24x32",
        "--fit",
        "pad",
        "--max-corrupt",
        "1",
        "--epochs",
        "40",
        "--output",
        run,
    ]
    edgecnn("train", "--data", photos, *options)
    edgecnn("convert", run, "--data", photos, "--int8", "--calibration-images", "20")
    assert "accuracy" in edgecnn("evaluate", run / "model.int8.tflite", "--data", photos)
    assert edgecnn("verify", run / "model.int8.tflite").endswith("PASS\n")
    answers = edgecnn("classify", run / "model.int8.tflite", photos / "sneaker").splitlines()
    assert sum(": sneaker " in line for line in answers) >= 17
    (photos / "bag" / "broken.jpg").unlink()
    gate = [sys.executable, str(EXAMPLES / "parity_gate.py"), str(run), str(photos)]
    said = subprocess.run(gate, capture_output=True, text=True, timeout=300)
    assert said.returncode == 0 and "PASS" in said.stdout, said.stderr


def test_what_would_do_nothing_is_refused(few: Path, tmp_path: Path) -> None:
    wrong: list[tuple[Path | None, dict[str, Any], str]] = [
        (None, {"spec": InputChoice(size=(64, 64))}, "--image-size goes with --data; Fashion-MNIST is 28 x 28"),
        (None, {"spec": InputChoice(colour="rgb")}, "--color goes with --data"),
        (None, {"max_corrupt": 3}, "--max-corrupt goes with --data"),
        (few, {"max_corrupt": 3}, "--max-corrupt is of the files of a folder of images; leave it out. Received: .*npz"),
    ]
    for data, options, words in wrong:
        with pytest.raises(InputError, match=words):
            load_dataset(data, data_dir=None if data else tmp_path, **options)
    ran = in_this_process("train", "--data", few, "--max-corrupt", 3, "--output", tmp_path / "run")
    assert ran.exit_code == 2 and "--max-corrupt is of the files of a folder" in ran.output
    with pytest.raises(InputError, match="--labels-csv and --labels-from-names both say where"):
        LabelSource(Path("labels.csv"), names=True)


@pytest.mark.parametrize("size", ["0", "x", "12x", "a", "12x0", "-3"])
def test_impossible_image_size_is_wrong_usage(size: str, photos: Path) -> None:
    result = in_this_process("train", "--data", photos, "--image-size", size)
    assert result.exit_code == 2 and "such as 64 or 48x64" in result.output


@pytest.mark.parametrize(
    "option", [["--image-size", "32"], ["--color", "rgb"], ["--fit", "pad"], ["--max-corrupt", "1"]]
)
def test_options_of_own_images_are_refused_without_them(option: list[str]) -> None:
    result = in_this_process("train", *option)
    assert result.exit_code == 2 and "goes with --data" in result.output
