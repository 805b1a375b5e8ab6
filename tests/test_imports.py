"""Who may import what: the device needs no TensorFlow, and asking for help needs next to nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import sample_images

ROOT = Path(__file__).parents[1]

# Runs where neither TensorFlow and Keras nor the other stages can be imported.
GUARD = """
import sys
FORBIDDEN = ("tensorflow", "keras", "scipy", "edgecnn.train", "edgecnn.convert")
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name in FORBIDDEN or name.startswith(tuple(f + "." for f in FORBIDDEN)):
            raise ImportError("forbidden: " + name)
sys.meta_path.insert(0, Guard())
"""
RUN = GUARD + "from edgecnn.cli import main\nmain(sys.argv[1:], prog_name='edgecnn')\n"


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "arguments",
    [
        ["classify", "fashion-mnist", str(sample_images()[0])],
        ["verify", "fashion-mnist"],
        ["info", "fashion-mnist"],
        ["features", "fashion-mnist.activations", str(sample_images()[0]), "--filter", "2"],
        ["explain", "fashion-mnist", str(sample_images()[0])],
        ["--help"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_device_commands_work_without_tensorflow_and_the_other_stages(arguments: list[str], tmp_path: Path) -> None:
    if arguments[0] in ("features", "explain"):
        arguments = [*arguments, "--output", str(tmp_path)]
    result = python(RUN, *arguments)
    assert result.returncode == 0, result.stderr


def test_the_guard_does_guard() -> None:
    assert "forbidden: edgecnn.train" in python(GUARD + "import edgecnn.train").stderr


def test_the_device_api_imports_neither_the_other_stages_nor_matplotlib() -> None:
    guard = GUARD.replace('"scipy"', '"scipy", "matplotlib"')
    result = python(guard + "from edgecnn.device import Classifier, FeatureExtractor, verify")
    assert result.returncode == 0, result.stderr


def test_help_imports_no_numpy_and_of_the_device_only_the_tables() -> None:
    code = """
import sys, edgecnn.cli
try:
    edgecnn.cli.main(["--help"])
finally:
    print(*sys.modules, file=sys.stderr)
"""
    loaded = set(python(code).stderr.split())
    heavy = {"numpy", "PIL", "matplotlib", "tensorflow", "edgecnn.train", "edgecnn.convert"}
    assert "edgecnn.cli" in loaded and not loaded & heavy
    room, methods = "edgecnn.device.runtime", "edgecnn.device.explaining"
    allowed = {"edgecnn.device", room, f"{room}.accelerators", f"{room}.runtimes", methods, f"{methods}.methods"}
    assert {name for name in loaded if f"{name}.".startswith("edgecnn.device.")} <= allowed


@pytest.mark.parametrize("stage", ["train", "convert"])
def test_stages_import_tensorflow_only_when_they_work(stage: str) -> None:
    result = python(f"import sys, edgecnn.{stage}\nprint(*sys.modules)")
    loaded = set(result.stdout.split())
    assert f"edgecnn.{stage}" in loaded, result.stderr
    assert not {"tensorflow", "keras"} & loaded


@pytest.mark.parametrize("command", [["train"], ["convert", "run"], ["evaluate", "m.keras"]], ids=lambda c: c[0])
def test_missing_tensorflow_is_one_sentence_with_the_pip_line(command: list[str], tmp_path: Path) -> None:
    code = """
import importlib.util as u, sys
find = u.find_spec
u.find_spec = lambda name, package=None: None if name in ("tensorflow", "jax") else find(name, package)
from edgecnn.cli import main
main(sys.argv[1:], prog_name="edgecnn")
"""
    result = python(code, *command)
    assert result.returncode == 1
    assert 'pip install "edgecnn[train]"' in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
