"""edgecnn train and convert: what they say and what they refuse."""

import json
import re
import shutil
from pathlib import Path

from edgecnn.train import TrainingRun
from tests.conftest import Trained
from tests.support.command_line import Run, in_new_process, sentence


def test_train_convert_and_evaluate_say_nothing_but_their_own(
    trained_apart: Trained, few: Path, tmp_path: Path
) -> None:
    path, trained = trained_apart
    assert trained.returncode == 0, trained.stderr
    assert [line.split()[0] for line in trained.stderr.splitlines()] == ["few", "10", "training", "epoch"]
    accuracy, verdict, scores, _, wrote = trained.stdout.splitlines()
    assert "expected calibration error" in scores
    assert accuracy.startswith("test accuracy ") and "on training images" in verdict and wrote.startswith("wrote ")
    run = Path(shutil.copytree(path, tmp_path / "run"))
    converted = in_new_process("convert", run, "--data", few, "--int8", "--json")
    assert converted.returncode == 0, converted.stderr
    said = {line.split()[0] for line in converted.stderr.splitlines()}
    assert said - {"warning:"} == {  # after one epoch it is unsure, and int8 may answer otherwise
        "loading",
        "Keras:",
        "converting:",
        "running",
        "comparing",
    }
    (conversion,) = json.loads(converted.stdout)
    assert conversion["plain"]["parity"]["images"] == 200 and conversion["bit_equal"] is True
    evaluated = in_new_process("evaluate", run / "model.keras", "--data", few)
    assert len(evaluated.stderr.splitlines()) == 1 and evaluated.stdout.startswith("accuracy")


def test_a_file_that_is_another_classifier_is_told_of_with_the_way_to_the_reason(
    edgecnn: Run, few: Path, trained_apart: Trained, tmp_path: Path
) -> None:
    import keras

    run = Path(shutil.copytree(trained_apart[0], tmp_path / "run"))
    model = keras.models.load_model(run / "model.keras", compile=False)
    convolution, dense = model.get_layer("conv2d_1"), model.get_layer("dense")
    kernel, bias = convolution.get_weights()
    following, rest = dense.get_weights()
    kernel[..., 0] *= 1e4  # the same function, but for int8, which has one range for all channels
    bias[0] *= 1e4
    following[0::64] /= 1e4
    convolution.set_weights([kernel, bias])
    dense.set_weights([following, rest])
    model.save(run / "model.keras")
    done = edgecnn("convert", run, "--data", few, "--int8")
    assert done.exit_code == 0 and "answers otherwise than Keras on" in done.output
    advice = re.search(r"edgecnn (parity \S+ --scheme int8)", done.output)
    assert advice and "BROKEN" in edgecnn(*advice[1].split(), "--data", few).output


def test_damaged_data_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b")
    assert "train-images-idx3-ubyte.gz is damaged" in sentence(edgecnn("train", "--data-dir", tmp_path))


def test_convert_of_what_is_no_run_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    assert "not a run directory" in sentence(edgecnn("convert", tmp_path, "--int8"))


def test_convert_keeps_existing_files_without_force(edgecnn: Run, tmp_path: Path, small_run: TrainingRun) -> None:
    for name in ("model.keras", "card.json"):
        shutil.copy(small_run.path / name, tmp_path)
    (tmp_path / "model.int8.tflite").write_bytes(b"precious")
    assert "exists already" in sentence(edgecnn("convert", tmp_path))
    assert (tmp_path / "model.int8.tflite").read_bytes() == b"precious"


def test_convert_of_several_schemes_writes_nothing_if_one_file_exists(
    edgecnn: Run, tmp_path: Path, small_run: TrainingRun
) -> None:
    for name in ("model.keras", "card.json"):
        shutil.copy(small_run.path / name, tmp_path)
    (tmp_path / "model.int8.activations.tflite").write_bytes(b"precious")
    assert "exists already" in sentence(edgecnn("convert", tmp_path, "--float32", "--int8"))
    assert not (tmp_path / "model.float32.tflite").exists()


def test_a_scheme_that_fails_does_not_hide_the_others(
    edgecnn: Run, few: Path, trained_apart: Trained, tmp_path: Path
) -> None:
    arguments = ("convert", trained_apart[0], "--data", few, "--no-activations", "--output", tmp_path / "files")
    made = edgecnn(*arguments, "--float16", "--int8", "--target", "edgetpu")
    assert sentence(made).startswith("Error: float16: ")
    assert "model.int8.tflite" in made.stdout and "float16" not in made.stdout
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["model.int8.tflite"]
    alone = edgecnn(*arguments, "--float16", "--target", "edgetpu")
    assert sentence(alone).startswith("Error: an Edge TPU") and not alone.stdout


def test_a_damaged_run_is_told_of_once_however_many_schemes_are_wanted(edgecnn: Run, few: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.keras").touch()
    failed = edgecnn("convert", run, "--data", few, "--int8", "--float32", "--json")
    assert "model.keras" in sentence(failed) and not failed.stdout
