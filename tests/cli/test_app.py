"""The command line: results on stdout, the rest on stderr; 0 done, 1 expected failure, 2 wrong usage; no traceback."""

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgecnn.cli import COMMANDS
from edgecnn.convert import Conversion
from edgecnn.model_file.bundled import find_model, sample_images
from edgecnn.pixels.dataset import Dataset
from edgecnn.train import TrainingRun
from tests.conftest import Outcome, Run

BOOT = sample_images()[0]


def sentence(result: Outcome, exit_code: int = 1) -> str:
    """The one line on stderr of a command that failed as expected."""
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, edgecnn: Run) -> None:
    result = edgecnn(command, "--help")
    assert result.exit_code == 0 and "Example: edgecnn " + command in result.output


def test_help_lists_every_command(edgecnn: Run) -> None:
    result = edgecnn("--help")
    assert result.exit_code == 0 and all(f"\n  {command}" in result.output for command in COMMANDS)


@pytest.mark.parametrize("arguments", [["classfy"], ["classify"], ["classify", "fashion-mnist"], ["verify", "a", "b"]])
def test_wrong_usage_exits_2(arguments: list[str], edgecnn: Run) -> None:
    assert sentence(edgecnn(*arguments), exit_code=2)


# --- classify -------------------------------------------------------------------------------------------------------


def test_classify_prints_a_line_an_image_in_the_order_given(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", *sample_images())
    lines = result.stdout.splitlines()
    assert result.exit_code == 0 and result.stderr == ""
    assert [line.split(": ")[0] for line in lines] == [str(path) for path in sample_images()]
    assert lines[0].startswith(f"{BOOT}: Ankle boot 9")


def test_classify_json_is_json_alone(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", BOOT, "--top", "3", "--json")
    (found,) = json.loads(result.stdout)
    assert found["image"] == str(BOOT) and len(found["predictions"]) == 3
    assert found["predictions"][0]["label"] == "Ankle boot" and found["predictions"][0]["index"] == 9


@pytest.mark.parametrize("name", ["", "x" * 300 + ".png", "missing/*.png"])
def test_an_impossible_name_does_not_lose_the_other_images(name: str, edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", name, BOOT)
    assert result.exit_code == 1 and "Ankle boot" in result.stdout
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("Error: ")


def test_pattern_skips_folders_that_it_matches(edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / "boot.png")
    (tmp_path / "empty").mkdir()
    assert edgecnn("classify", "fashion-mnist", tmp_path / "*").exit_code == 0


def test_folder_with_films_and_documents_gives_its_images_only(edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / "boot.png")
    for name in ("manual.pdf", "clip.mpg", "drawing.eps", "data.h5"):
        (tmp_path / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    result = edgecnn("classify", "fashion-mnist", tmp_path)
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1


@pytest.mark.parametrize("threads", ["0", "257", "50000"])
def test_threads_out_of_range_are_refused(threads: str, edgecnn: Run) -> None:
    assert sentence(edgecnn("classify", "fashion-mnist", BOOT, "--threads", threads), exit_code=2)


def test_folder_named_like_a_bundled_model_does_not_hide_it(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fashion-mnist").mkdir()
    assert edgecnn("verify", "fashion-mnist").exit_code == 0


def test_classify_reads_standard_input(edgecnn: Run) -> None:
    result = edgecnn("classify", "fashion-mnist", "-", input=BOOT.read_bytes())
    assert result.exit_code == 0 and result.stdout.startswith("-: Ankle boot")


def test_classify_takes_folders_and_patterns(edgecnn: Run) -> None:
    folder = edgecnn("classify", "fashion-mnist", BOOT.parent)
    pattern = edgecnn("classify", "fashion-mnist", BOOT.parent / "*.png")
    assert folder.stdout == pattern.stdout and len(folder.stdout.splitlines()) == len(sample_images())


def test_one_bad_image_is_reported_and_the_others_classified(edgecnn: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    result = edgecnn("classify", "fashion-mnist", BOOT, bad, tmp_path / "missing.png", BOOT)
    assert result.exit_code == 1 and len(result.stdout.splitlines()) == 2
    assert result.stderr.splitlines() == [
        f"Error: {bad}: the file is empty (0 bytes); copy it again",
        f"Error: {tmp_path / 'missing.png'}: no such file; check the path",
    ]


def test_bad_image_in_json_leaves_valid_json(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no image")
    result = edgecnn("classify", "fashion-mnist", tmp_path / "bad.png", BOOT, "--json")
    bad, good = json.loads(result.stdout)
    assert result.exit_code == 1 and good["predictions"]
    assert bad["image"] == str(tmp_path / "bad.png") and "not an image" in bad["error"]


def test_folder_without_images_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    assert "holds no images" in sentence(edgecnn("classify", "fashion-mnist", tmp_path))


@pytest.fixture
def photo(tmp_path: Path, fashion: Dataset) -> Path:
    """An ankle boot on a light ground, in colour, larger than the model's input."""
    dark = Image.fromarray(255 - fashion.test.images[0, :, :, 0]).resize((280, 280), Image.Resampling.BICUBIC)
    dark.convert("RGB").save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


def test_light_background_gets_a_note_and_inverting_the_right_answer(edgecnn: Run, photo: Path) -> None:
    plain = edgecnn("classify", "fashion-mnist", photo)
    assert plain.exit_code == 0 and "--invert yes" in plain.stderr
    for how in ("yes", "auto"):
        inverted = edgecnn("classify", "fashion-mnist", photo, "--invert", how)
        assert "Ankle boot" in inverted.stdout and inverted.stderr == ""


# --- features -------------------------------------------------------------------------------------------------------


def test_features_writes_figures_sheets_and_arrays(edgecnn: Run, tmp_path: Path) -> None:
    images = [path for path in sample_images() if path.name[5:9] in ("0009", "0022", "0045")]
    options = ["--filter", "2", "--filter", "30", "--npz", "--output", tmp_path / "out"]
    result = edgecnn("features", "fashion-mnist.activations", *images, *options)
    assert result.exit_code == 0, result.output
    names = {
        "filter-2.png",
        "filter-30.png",
        "features.npz",
        *(f"contact-{i}-{p.stem}.png" for i, p in enumerate(images, 1)),
    }
    assert (
        {Path(line).name for line in result.stdout.splitlines()}
        == names
        == {p.name for p in (tmp_path / "out").iterdir()}
    )
    with np.load(tmp_path / "out" / "features.npz") as arrays:
        assert arrays["conv2d"].shape == (3, 26, 26, 64) and arrays["conv2d"].dtype == np.float32
        assert arrays["max_pooling2d_1"].shape == (3, 5, 5, 64) and arrays["probabilities"].shape == (3, 10)
        assert list(arrays["images"]) == [path.name for path in images]


def test_features_of_keras_and_int8_are_nearly_the_same(
    edgecnn: Run, tmp_path: Path, int8: Conversion, small_run: TrainingRun
) -> None:
    assert int8.activations
    maps = {}
    for name, model in (("keras", small_run.model_path), ("int8", int8.activations.path)):
        result = edgecnn("features", model, BOOT, "--npz", "--output", tmp_path / name)
        assert result.exit_code == 0, result.output
        with np.load(tmp_path / name / "features.npz") as arrays:
            maps[name] = {layer: arrays[layer] for layer in ("conv2d", "max_pooling2d", "conv2d_1", "max_pooling2d_1")}
    for layer, values in maps["keras"].items():
        # One step of 8 bits is 1/255 of the calibrated range; an error of a few steps is what int8 costs.
        assert np.abs(values - maps["int8"][layer]).max() < 0.1 * values.max(), layer


def test_features_of_a_plain_model_names_the_right_file(edgecnn: Run) -> None:
    assert "use its activations variant, fashion-mnist.activations" in sentence(
        edgecnn("features", "fashion-mnist", BOOT)
    )


def test_features_refuses_a_filter_that_a_layer_does_not_have(edgecnn: Run) -> None:
    result = edgecnn("features", "fashion-mnist.activations", BOOT, "--filter", "64")
    assert "conv2d has most with filters 0 to 63" in sentence(result, exit_code=2)


def test_features_keeps_existing_files_without_force(edgecnn: Run, tmp_path: Path) -> None:
    arguments = ["features", "fashion-mnist.activations", BOOT, "--output", tmp_path]
    assert edgecnn(*arguments).exit_code == 0
    assert "exists already" in sentence(edgecnn(*arguments))
    assert edgecnn(*arguments, "--force").exit_code == 0


# --- verify, info, evaluate, samples --------------------------------------------------------------------------------


def test_verify_passes_and_says_so(edgecnn: Run) -> None:
    result = edgecnn("verify", "fashion-mnist")
    assert result.exit_code == 0 and result.stdout.splitlines()[-1] == "PASS"
    assert json.loads(edgecnn("verify", "fashion-mnist", "--json").stdout)["passed"] is True


@pytest.mark.parametrize("command", ["classify", "features", "verify", "info", "evaluate"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "tail", "empty", "text"])
def test_damaged_model_is_one_sentence_in_every_command(
    command: str, damage: str, edgecnn: Run, tmp_path: Path
) -> None:
    whole = find_model("fashion-mnist.activations").read_bytes()
    flipped = bytearray(whole)
    flipped[100_000] ^= 4
    content = {
        "truncated": whole[:50_000],
        "flipped": bytes(flipped),
        "tail": whole[:-500],
        "empty": b"",
        "text": b"hello",
    }
    path = tmp_path / "model.tflite"
    path.write_bytes(content[damage])
    images = [BOOT] if command in ("classify", "features") else []
    assert str(path) in sentence(edgecnn(command, path, *images))


def test_missing_model_is_one_sentence(edgecnn: Run) -> None:
    assert "no model file nowhere.tflite" in sentence(edgecnn("classify", "nowhere.tflite", BOOT))
    assert "no Keras model at nowhere.keras" in sentence(edgecnn("evaluate", "nowhere.keras"))


def test_info_shows_card_tensors_operators_macs_and_parameters(edgecnn: Run) -> None:
    text = edgecnn("info", "fashion-mnist").stdout
    for part in ("Ankle boot", "28 x 28 grayscale", "0.00392157, -128", "CONV_2D", "4,460,544", "5,056,000", "243,786"):
        assert part in text
    data = json.loads(edgecnn("info", "fashion-mnist", "--json").stdout)
    assert (data["macs"], data["parameters"]) == (5_056_000, 243_786)
    assert data["card"]["labels"][7] == "Sneaker" and set(data["outputs"]) == {"probabilities"}


def test_info_of_a_keras_file_shows_its_layers(edgecnn: Run, small_run: TrainingRun) -> None:
    text = edgecnn("info", small_run.model_path).stdout
    for part in ("conv2d (Conv2D)", "26 x 26 x 64", "36,928", "243,786", "5,056,000"):
        assert part in text


def test_evaluate_counts_the_whole_test_set(edgecnn: Run, fashion: Dataset, small_run: TrainingRun) -> None:
    for model in ("fashion-mnist", small_run.model_path):
        data = json.loads(edgecnn("evaluate", model, "--json").stdout)
        confusion = np.array(data["confusion_matrix"])
        assert data["images"] == confusion.sum() == 10_000
        assert data["accuracy"] == confusion.trace() / 10_000


def test_samples_writes_the_bundled_images(edgecnn: Run, tmp_path: Path) -> None:
    result = edgecnn("samples", tmp_path / "photos")
    assert result.exit_code == 0
    assert [path.name for path in sorted((tmp_path / "photos").iterdir())] == [path.name for path in sample_images()]
    assert "exists already" in sentence(edgecnn("samples", tmp_path / "photos"))


def test_bundled_samples_are_the_test_images_they_are_named_after(
    edgecnn: Run, tmp_path: Path, fashion: Dataset
) -> None:
    for path in sample_images():
        index = int(path.name[5:9])
        np.testing.assert_array_equal(np.asarray(Image.open(path)), fashion.test.images[index, :, :, 0])


def test_samples_writes_test_images_by_number(edgecnn: Run, tmp_path: Path, fashion: Dataset) -> None:
    result = edgecnn("samples", tmp_path, "--test-image", "104", "--test-image", "3")
    assert result.exit_code == 0
    with Image.open(tmp_path / "test-0104-sneaker.png") as image:
        np.testing.assert_array_equal(np.asarray(image), fashion.test.images[104, :, :, 0])


# --- train and convert ----------------------------------------------------------------------------------------------


def quiet(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run in a new process, where native libraries write to the real stderr."""
    command = [sys.executable, "-m", "edgecnn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_train_convert_and_evaluate_say_nothing_but_their_own(tmp_path: Path) -> None:
    run = tmp_path / "run"
    trained = quiet("train", "--epochs", "1", "--train-images", "1280", "--output", run)
    assert trained.returncode == 0, trained.stderr
    assert [line.split()[0] for line in trained.stderr.splitlines()] == ["fashion-mnist", "training", "epoch"]
    accuracy, verdict, wrote = trained.stdout.splitlines()
    assert accuracy.startswith("test accuracy ") and "on training images" in verdict and wrote.startswith("wrote ")
    converted = quiet("convert", run, "--int8", "--json")
    assert converted.returncode == 0, converted.stderr
    assert {line.split()[0] for line in converted.stderr.splitlines()} == {
        "loading",
        "Keras:",
        "converting:",
        "running",
    }
    (conversion,) = json.loads(converted.stdout)
    assert conversion["plain"]["parity"]["images"] == 10_000 and conversion["bit_equal"] is True
    evaluated = quiet("evaluate", run / "model.keras")
    assert len(evaluated.stderr.splitlines()) == 1 and evaluated.stdout.startswith("accuracy")


def test_commands_work_with_standard_error_closed() -> None:
    command = f"{sys.executable} -m edgecnn classify fashion-mnist {BOOT} 2>&-"
    result = subprocess.run(command, shell=True, stdout=subprocess.PIPE, text=True, timeout=60)
    assert result.returncode == 0 and "Ankle boot" in result.stdout


def test_convert_of_several_schemes_writes_nothing_if_one_file_exists(
    edgecnn: Run, tmp_path: Path, small_run: TrainingRun
) -> None:
    for name in ("model.keras", "card.json"):
        shutil.copy(small_run.path / name, tmp_path)
    (tmp_path / "model.int8.activations.tflite").write_bytes(b"precious")
    assert "exists already" in sentence(edgecnn("convert", tmp_path, "--float32", "--int8"))
    assert not (tmp_path / "model.float32.tflite").exists()


def test_threads_for_a_keras_file_are_refused(edgecnn: Run, small_run: TrainingRun) -> None:
    assert "--threads is for .tflite files" in sentence(edgecnn("evaluate", small_run.model_path, "--threads", "2"), 2)


def test_features_and_samples_print_json(edgecnn: Run, tmp_path: Path) -> None:
    assert len(json.loads(edgecnn("samples", tmp_path / "photos", "--json").stdout)) == len(sample_images())
    result = edgecnn("features", "fashion-mnist.activations", BOOT, "--output", tmp_path / "out", "--json")
    assert [Path(path).suffix for path in json.loads(result.stdout)["files"]] == [".png"]


def test_classify_says_nothing_on_stderr() -> None:
    assert quiet("classify", "fashion-mnist", BOOT).stderr == ""


def test_verbose_lets_the_runtime_speak() -> None:
    assert "XNNPACK" in quiet("classify", "fashion-mnist", BOOT, "--verbose").stderr


def test_convert_of_what_is_no_run_is_a_sentence(edgecnn: Run, tmp_path: Path) -> None:
    assert "not a run directory" in sentence(edgecnn("convert", tmp_path, "--int8"))


def test_convert_keeps_existing_files_without_force(edgecnn: Run, tmp_path: Path, small_run: TrainingRun) -> None:
    for name in ("model.keras", "card.json"):
        shutil.copy(small_run.path / name, tmp_path)
    (tmp_path / "model.int8.tflite").write_bytes(b"precious")
    assert "exists already" in sentence(edgecnn("convert", tmp_path))
    assert (tmp_path / "model.int8.tflite").read_bytes() == b"precious"


def test_missing_data_is_a_sentence(edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b")
    assert "train-images-idx3-ubyte.gz is damaged" in sentence(edgecnn("train", "--data-dir", tmp_path))


def test_unwritable_output_is_a_sentence_and_leaves_nothing(edgecnn: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot write" in sentence(edgecnn("samples", tmp_path / "file" / "photos"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


FULL_DISK = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
from edgecnn.cli import main
main(sys.argv[2:], prog_name="edgecnn")
"""


@pytest.mark.parametrize("limit", [0, 100, 20_000])
def test_no_room_for_a_file_is_a_sentence_and_leaves_no_half_file(limit: int, tmp_path: Path) -> None:
    # The kernel refuses to write beyond `limit` bytes, as it refuses on a full disk.
    arguments = ["features", "fashion-mnist.activations", str(BOOT), "--npz", "--output", str(tmp_path / "out")]
    command = [sys.executable, "-c", FULL_DISK, str(limit), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert result.stderr.startswith("Error: cannot write ") and len(result.stderr.splitlines()) == 1
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", ["a$_$b.png", "x$\\frac$.png", "wide " + "w" * 230 + ".png"])
def test_odd_file_names_are_drawn_as_they_are(name: str, edgecnn: Run, tmp_path: Path) -> None:
    shutil.copy(BOOT, tmp_path / name)
    options = ["--filter", "1", "--output", tmp_path / "out"]
    assert edgecnn("features", "fashion-mnist.activations", tmp_path / name, *options).exit_code == 0


def test_the_users_matplotlib_settings_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\n")
    command = [sys.executable, "-m", "edgecnn", "features", "fashion-mnist.activations", str(BOOT), "--filter", "4"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    with Image.open(tmp_path / "features" / "filter-4.png") as image:
        assert image.convert("RGB").getpixel((0, 0)) == (255, 255, 255)


def test_terminal_that_cannot_show_a_letter_gets_it_escaped() -> None:
    command = f"PYTHONIOENCODING=latin-1 {sys.executable} -m edgecnn info fashion-mnist"
    result = subprocess.run(command, shell=True, capture_output=True, timeout=60)
    assert result.returncode == 0 and b"\\u2026" in result.stdout


def test_closed_output_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m edgecnn info fashion-mnist | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60)
    assert "Traceback" not in result.stderr and len(result.stdout.splitlines()) == 1


def test_image_of_every_hostile_kind_is_one_sentence(edgecnn: Run, tmp_path: Path) -> None:
    whole = io.BytesIO()
    Image.linear_gradient("L").save(whole, "JPEG")
    for name, content in {"cut.jpg": whole.getvalue()[:-99], "text.png": b"hello", "none.png": b""}.items():
        (tmp_path / name).write_bytes(content)
        assert name in sentence(edgecnn("classify", "fashion-mnist", tmp_path / name))
