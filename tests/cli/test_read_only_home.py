"""Every command works where nothing can be written in the home folder, as in a service or a container."""

import shutil
from pathlib import Path

import pytest

from edgecnn.cli.app import COMMANDS
from edgecnn.model_file.bundled import find_model, sample_images
from edgecnn.model_file.container import read_model
from tests.conftest import Trained
from tests.support.command_line import Run
from tests.support.model_files import without_card
from tests.support.ssh_keys import HAS_OPENSSH, make_key

HOME = "/dev/null/home"  # which nobody can make, root neither
BOOT = Path(sample_images()[0])
MODEL = "fashion-mnist"
ELSEWHERE = ("deploy", "fleet")  # they need a device and a broker


def arguments(command: str, run: Path, data: Path, here: Path) -> tuple[str | Path, ...]:
    """A command line that does what the command is for, and writes in `here` alone."""
    small = ("--epochs", "1", "--recipe", "notebook")
    return {
        "report": (run, "--data", data, "-o", here / "report.html"),
        "compare": (run, run / "model.float32.tflite", "--data", data, "--html", here / "compared.html"),
        "merge": (here / "all.csv", here / "part.csv"),
        "train": ("--data", data, "-o", here / "run", *small),
        "evaluate": (MODEL, "--data", data),
        "convert": (run, "--data", data, "--float32", "-o", here, "--no-activations"),
        "parity": (run, "--data", data, "--images", "20", "--scheme", "float32", "-o", here),
        "pack": (here / "bare.tflite", "--labels", here / "labels.txt", "--input-range", "0", "1"),
        "sign": (here / "model.tflite", "--key", here / "key"),
        "info": (MODEL,),
        "classify": (MODEL, BOOT, "-o", here / "rows.csv"),
        "live": (MODEL, "--source", BOOT.parent, "--frames", "2", "--no-page"),
        "service": ("install", MODEL, "--dry-run", "--", "--source", BOOT.parent, "--no-page"),
        "features": (f"{MODEL}.activations", BOOT, "-o", here),
        "explain": (MODEL, BOOT, "-o", here),
        "verify": (MODEL,),
        "benchmark": (MODEL, "--runs", "10"),
        "doctor": (),
        "samples": (here / "samples",),
    }[command]


@pytest.fixture(scope="module")
def run(trained_apart: Trained, few: Path, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of one epoch, converted."""
    run = Path(shutil.copytree(trained_apart[0], tmp_path_factory.mktemp("home") / "run"))
    assert edgecnn("convert", run, "--data", few, "--float32").exit_code == 0
    return run


@pytest.mark.filterwarnings("ignore:.* carries no card")
@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in ELSEWHERE])
def test_it_needs_no_home(
    command: str, few: Path, run: Path, tmp_path: Path, edgecnn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command == "sign" and not HAS_OPENSSH:
        pytest.skip("OpenSSH is not installed")
    if command == "sign":
        make_key(tmp_path)
    packed = read_model(find_model(MODEL))
    (tmp_path / "bare.tflite").write_bytes(without_card(packed.flatbuffer))
    (tmp_path / "labels.txt").write_text("\n".join(map(str, range(10))))
    shutil.copy(find_model(MODEL), tmp_path / "model.tflite")
    monkeypatch.setenv("HOME", HOME)
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    if command == "merge":
        assert edgecnn("classify", MODEL, BOOT, "--shard", "1/1", "-o", tmp_path / "part.csv").exit_code == 0
    result = edgecnn(command, *arguments(command, run, few, tmp_path))
    # After one epoch Keras itself looks wrong: parity says so, at its end.
    ended = result.exit_code == 0 or (
        command == "parity" and "DOUBTFUL: the file answers as Keras does" in result.output
    )
    assert ended and "Traceback" not in result.output, result.output
