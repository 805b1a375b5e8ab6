"""Every example runs, and says what it is to say."""

import ast
import csv
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image
from traitlets.config import Config

from edgecnn.device import bundled_models, sample_images
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.container import read_model
from edgecnn.pixels.dataset import Dataset

EXAMPLES = Path(__file__).parents[1] / "examples"
NOTEBOOK = EXAMPLES / "see-what-a-convolution-does.ipynb"
# The samples' file names say what they show.
ANKLE_BOOT, SNEAKER = sample_images()[0], next(path for path in sample_images() if "0104-sneaker" in path.name)


def run(name: str, *arguments: str | Path, folder: Path, code: int = 0) -> "subprocess.CompletedProcess[str]":
    """Run an example in an empty folder, as its docstring says."""
    command = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, arguments)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert result.returncode == code, result.stderr
    return result


def test_classify_image(tmp_path: Path) -> None:
    assert run("classify_image", SNEAKER, folder=tmp_path).stdout.startswith("Sneaker 9")


def test_classify_folder_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "notes.txt").write_text("not looked at")
    (tmp_path / "shoe.png").write_bytes(SNEAKER.read_bytes())
    result = run("classify_folder", tmp_path, folder=tmp_path)
    assert result.stdout.startswith("shoe.png: Sneaker") and len(result.stdout.splitlines()) == 1
    assert "left out" in result.stderr and "broken.png" in result.stderr


def test_top_k_table_is_ordered(tmp_path: Path) -> None:
    lines = run("top_k_table", SNEAKER, folder=tmp_path).stdout.splitlines()
    scores = [float(found) for line in lines for found in re.findall(r"([\d.]+)%", line)]
    assert lines[0].startswith("Sneaker") and len(scores) == 5 and scores == sorted(scores, reverse=True)


def test_batch_to_csv(tmp_path: Path) -> None:
    run("batch_to_csv", "out.csv", ANKLE_BOOT, SNEAKER, folder=tmp_path)
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["Ankle boot", "Sneaker"]
    assert all(float(row["score"]) > float(row["second score"]) for row in rows)


def test_draw_feature_maps(tmp_path: Path) -> None:
    run("draw_feature_maps", "map.png", "2", folder=tmp_path)
    pixels = np.asarray(Image.open(tmp_path / "map.png").convert("RGB"))
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50  # a map has many colours, an empty figure has few


def test_verify_before_start_starts_what_is_sound(tmp_path: Path) -> None:
    assert run("verify_before_start", folder=tmp_path).stdout.splitlines()[1] == "Ankle boot"


def test_verify_before_start_refuses_a_damaged_file(tmp_path: Path) -> None:
    data = bytearray(bundled_models()["fashion-mnist"].read_bytes())
    data[1000] ^= 1
    (tmp_path / "damaged.tflite").write_bytes(data)
    result = run("verify_before_start", "damaged.tflite", folder=tmp_path, code=1)
    assert not result.stdout and result.stderr.startswith("not started: ") and "Traceback" not in result.stderr


def test_accelerator_with_fallback_goes_on_without_it(tmp_path: Path) -> None:
    result = run("accelerator_with_fallback", "./no-such-library.so", folder=tmp_path)
    assert "no-such-library.so" in result.stderr
    assert result.stdout.splitlines()[0] == f"{ANKLE_BOOT.name} Ankle boot"


def test_camera_array_is_inverted(tmp_path: Path) -> None:
    assert re.fullmatch(r"Bag \d+\.\d%, inverted: True\n", run("camera_array", folder=tmp_path).stdout)


def test_read_card(tmp_path: Path) -> None:
    text = run("read_card", folder=tmp_path).stdout
    card = read_model(find_model("fashion-mnist")).card
    assert card and card.parity
    assert "int8" in text and "Sneaker, Bag, Ankle boot" in text and f"accuracy: {card.parity.accuracy:.2%}" in text


def test_unusual_is_only_the_inverted_image(tmp_path: Path) -> None:
    usual, unusual = run("notice_unusual_images", folder=tmp_path).stdout.splitlines()
    assert usual.endswith("nothing unusual") and "outside calibration" in unusual


def test_train_and_convert_and_the_parity_gate(fashion: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    train, test = fashion.train.sample(1000), fashion.test.sample(200)
    x_train, x_test = (np.asarray(split.images) for split in (train, test))
    np.savez(tmp_path / "small.npz", x_train=x_train, y_train=train.labels, x_test=x_test, y_test=test.labels)
    trained = run("train_and_convert", "run", "small.npz", folder=tmp_path).stdout
    assert (tmp_path / "run/model.int8.tflite").is_file() and "agreement" in trained
    gate = run("parity_gate", "run", "small.npz", folder=tmp_path).stdout
    assert gate.splitlines()[-1] == "PASS, see run/parity.int8.html"


def test_every_example_is_tested_and_opens_with_its_command() -> None:
    tests = Path(__file__).read_text()
    programs = sorted(EXAMPLES.glob("*.py"))
    assert len(programs) == 12
    for program in programs:
        assert f'run("{program.stem}"' in tests, program.name
        docstring = ast.get_docstring(ast.parse(program.read_text()))
        assert docstring and f"\npython examples/{program.name}" in docstring, program.name


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The notebook after all of its cells, and one that asks what was imported."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import sys\nprint('tensorflow' in sys.modules)"))
    sockets = tmp_path_factory.mktemp("jupyter") / "kernel"
    private = Config({"ConnectionFileMixin": {"transport": "ipc", "ip": str(sockets)}})
    NotebookClient(notebook, timeout=600, kernel_name="python3", config=private).execute()
    return notebook


def test_the_notebook_runs_without_tensorflow(executed: nbformat.NotebookNode) -> None:
    assert executed.cells[-1].outputs[0].text == "False\n"


def test_the_notebook_shows_feature_maps_as_a_picture_and_predictions_as_a_table(
    executed: nbformat.NotebookNode,
) -> None:
    shown = {cell.source.splitlines()[-1]: cell.outputs for cell in executed.cells if cell.cell_type == "code"}
    assert "<td>conv2d</td>" in shown["extractor"][0].data["text/html"]
    assert "image/png" in shown["features"][0].data
    table = next(outputs[0].data["text/html"] for last, outputs in shown.items() if last.startswith("Classifier("))
    assert "<td>Sneaker</td>" in table


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code"]
    assert cells and all(not cell.outputs and cell.execution_count is None for cell in cells)
