"""What a laptop with Windows or macOS is to do, where nothing is there that Windows lacks."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn.device.live.sources.camera import Camera
from edgecnn.device.live.sources.source import SourceSettings
from edgecnn.errors import InputError
from edgecnn.model_file.bundled import bundled_models, sample_images
from edgecnn.optional_packages import explain_import_error

SCRIPT = Path(__file__).parent / "scripts" / "without_posix.py"
SHOE, MODEL = str(sample_images()[0]), "fashion-mnist"


def run(*lines: tuple[str | Path, ...], **variables: str) -> tuple[list[str], str]:
    """Exit codes of command lines that one process runs in this environment, and what it says."""
    told = json.dumps([[str(word) for word in line] for line in lines])
    command = [sys.executable, str(SCRIPT), told]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **variables})
    assert "Traceback" not in result.stderr, result.stderr
    return re.findall(r"^exit code (.*)$", result.stdout, re.MULTILINE), result.stdout + result.stderr


def test_help_and_what_the_device_does_need_nothing_of_posix(tmp_path: Path) -> None:
    own = shutil.copy(bundled_models()[MODEL], tmp_path / "own.tflite")  # one that did not come with edgecnn
    lines: tuple[tuple[str | Path, ...], ...] = (
        ("--help",),
        ("train", "--help"),
        ("classify", MODEL, SHOE, "--output", tmp_path / "rows.csv"),
        ("classify", MODEL, SHOE, "--output", tmp_path / "rows.csv", "--force"),
        ("live", MODEL, "--source", "samples", "--frames", "2", "--fps", "100", "--port", "0"),
        ("explain", MODEL, SHOE, "--output", tmp_path / "why"),
        ("features", f"{MODEL}.activations", SHOE, "--output", tmp_path / "maps"),
        ("benchmark", MODEL, "--runs", "10"),
        ("verify", MODEL),
        ("verify", own, "--delegate", "cpu"),
        ("info", MODEL),
        ("doctor",),
        ("samples", tmp_path / "samples"),
    )
    codes, said = run(*lines)
    assert codes == ["0"] * len(lines), said
    assert "The page: http://127.0.0.1:" in said and "pip install fcntl" not in said
    assert not list(tmp_path.rglob("*.lock"))


def test_what_needs_linux_says_so_and_what_else_may_do(tmp_path: Path) -> None:
    lines = (("service", "status"), ("live", MODEL, "--source", "camera", "--no-page"))
    codes, said = run(*lines, PATH=str(tmp_path))  # without the programs of this machine
    assert codes == ["1", "1"]
    service, camera = (line for line in said.splitlines() if line.startswith("Error: "))
    assert "not started by systemd" in service and "have what starts programs here start edgecnn live" in service
    assert "needs rpicam-vid, which is not installed" in camera and "write --source /dev/video0" in camera


@pytest.mark.parametrize(
    ("system", "there", "elsewhere"),
    [("darwin", "avfoundation:0", "apt"), ("win32", "dshow:video=NAME", "apt"), ("linux", "apt", "avfoundation")],
)
def test_a_camera_is_advised_that_the_system_can_have(
    system: str, there: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(shutil, "which", lambda _: None)  # on Windows it asks what is on Windows alone
    with pytest.raises(InputError) as raised:
        Camera(SourceSettings(), print)
    assert there in str(raised.value) and elsewhere not in str(raised.value)


@pytest.mark.parametrize("module", ["fcntl", "winreg", "resource"])
def test_nobody_is_told_to_install_a_part_of_python(module: str) -> None:
    said = explain_import_error(ModuleNotFoundError(f"No module named {module!r}", name=module))
    assert module in said and "pip install" not in said
