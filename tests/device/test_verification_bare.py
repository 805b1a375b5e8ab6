"""A file without probes is compared with the CPU it is on, and that is said."""

import json
from pathlib import Path

import pytest

from edgecnn import ModelFileError
from edgecnn.device import Delegate, Description, verify
from tests.support.command_line import Run, printed
from tests.support.model_files import write_bare
from tests.support.tflite_files import compiled_for_edge_tpu, converted_colours

pytestmark = pytest.mark.filterwarnings("ignore:.* carries no card")
SAID = Description(("red", "green", "blue"), (0.0, 1.0))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with f.tflite of floats, q.tflite of whole numbers, e.tflite for an Edge TPU, and labels."""
    folder = tmp_path_factory.mktemp("models")
    floats = converted_colours("linear", std=255.0)
    (folder / "f.tflite").write_bytes(floats)
    (folder / "q.tflite").write_bytes(converted_colours("linear", "int8", std=255.0))
    (folder / "e.tflite").write_bytes(compiled_for_edge_tpu(floats))
    (folder / "labels.txt").write_text("red\ngreen\nblue\n")
    return folder


@pytest.mark.parametrize(("name", "tolerance"), [("f.tflite", 1e-4), ("q.tflite", 0.1)])
def test_it_is_compared_with_the_reference_kernels(name: str, tolerance: float, models: Path) -> None:
    found = verify(models / name, description=SAID)
    assert found.passed and found.probes >= 8 and found.tolerance == tolerance
    assert found.host_runtime == f"{found.runtime}, reference kernels"
    assert found.preprocessing_equal is None and found.keras_top1_equal is None and found.accuracy is None


def test_command_takes_the_description_and_says_what_it_compared(models: Path, edgecnn: Run) -> None:
    said = ("--labels", models / "labels.txt", "--input-range", "0", "1", "--color", "bgr", "--fit", "crop")
    result = edgecnn("verify", models / "f.tflite", *said)
    assert result.exit_code == 0 and "PASS" in result.stdout and "reference kernels on the CPU here" in result.stdout
    assert "carries no golden probes" in result.stderr and "nothing is said of other machines" in result.stderr
    assert "preprocessing" not in result.stdout and "Keras" not in result.output
    assert json.loads(printed(edgecnn("verify", models / "f.tflite", *said, "--json")))["preprocessing_equal"] is None
    result = edgecnn("verify", "fashion-mnist", "--input-range", "0", "1")
    assert result.exit_code == 1 and "carries a card" in result.stderr


def test_delegate_that_computes_wrongly_is_found_out(tmp_path: Path, library: str, edgecnn: Run) -> None:
    bare = write_bare(tmp_path / "bare.tflite")
    assert ", within the tolerance of 0.1" in printed(edgecnn("verify", bare, "--delegate", library))
    result = edgecnn("verify", bare, "--delegate", library, "--delegate-option", "wrong=1")
    assert result.exit_code == 1 and "FAIL: this machine does not run it as its own reference" in result.stdout
    assert ", ABOVE the tolerance of 0.1" in result.stdout


def test_file_that_no_cpu_runs_says_so(models: Path, library: str) -> None:
    with pytest.raises(ModelFileError, match="no golden probes, and the CPU cannot run it to compare with"):
        verify(models / "e.tflite", delegate=Delegate(library), description=SAID)
