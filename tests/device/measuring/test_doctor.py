"""What the doctor says of machines, real and described."""

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from edgecnn.cpu_info import read_cpu_info
from edgecnn.device.measuring.doctor import Finding, examine_machine
from tests.support.cameras import FakeCamera
from tests.support.command_line import Run, printed, sentence

PI = {
    "cortex-a76": ("fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp",
                   "Raspberry Pi 5 Model B Rev 1.0"),
    "cortex-a72": ("fp asimd evtstrm crc32 cpuid", "Raspberry Pi 4 Model B Rev 1.4"),
}  # fmt: skip


def described(folder: Path, features: str, board: str) -> dict[str, Finding]:
    (folder / "proc/device-tree").mkdir(parents=True)
    (folder / "proc/cpuinfo").write_text(f"processor\t: 0\nFeatures\t: {features}\nModel\t\t: {board}\n")
    (folder / "proc/device-tree/model").write_text(f"{board}\0")
    return {check.name: check for check in examine_machine(folder)}


def test_a_board_is_named_where_a_32_bit_kernel_names_its_processor_too(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    lines = (
        "processor\t: 0",
        "model name\t: ARMv7 Processor rev 3 (v7l)",
        "",
        "Model\t\t: Raspberry Pi 4 Model B Rev 1.4",
    )
    (tmp_path / "proc/cpuinfo").write_text("\n".join(lines))
    found = read_cpu_info(tmp_path)
    assert found is not None and found.model == "Raspberry Pi 4 Model B Rev 1.4"


@pytest.mark.parametrize(
    ("processor", "words", "meaning"),
    [("cortex-a76", "8-bit dot products (asimddp)", "twice as fast"),
     ("cortex-a72", "NEON, no 8-bit dot products", "about as fast as float32")],
)  # fmt: skip
def test_it_says_what_int8_is_worth(processor: str, words: str, meaning: str, tmp_path: Path) -> None:
    features, board = PI[processor]
    checks = described(tmp_path, features, board)
    assert words in checks["processor"].found and meaning in checks["processor"].advice
    assert checks["board"].found == board


def test_it_names_the_runtimes_of_this_machine(edgecnn: Run) -> None:
    result = edgecnn("doctor", "--json")
    assert result.exit_code == 0
    found = [check["found"] for check in json.loads(result.stdout) if check["name"] == "runtime"]
    packages = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime", "tensorflow": "tensorflow"}
    installed = [f"{name} {version(package)}" for name, package in packages.items() if is_there(package)]
    assert found == installed and found
    assert "8-bit dot products" in printed(edgecnn("doctor"))


def is_there(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


def test_a_machine_without_runtime_gets_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.measuring.doctor.is_installed", lambda _: False)
    (runtime,) = [check for check in examine_machine() if check.name == "runtime"]
    assert not runtime.ok and "pip install ai-edge-litert" in runtime.advice


def test_tflite_runtime_with_a_new_numpy_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.measuring.doctor.is_installed", lambda name: name == "tflite-runtime")
    (numpy,) = [check for check in examine_machine() if check.name == "numpy"]
    if version("numpy").startswith("1."):
        assert numpy.ok
        return
    assert not numpy.ok and 'pip install "numpy<2"' in numpy.advice


@pytest.mark.parametrize(
    ("raises", "reason"),
    [
        ("ImportError('libpywrap.so: cannot open shared object file')", "libpywrap.so: cannot open"),
        ("TypeError('Descriptors cannot be created directly.\\nIf this call came from')", "(Descriptors cannot be"),
        ("AttributeError()", "(AttributeError)"),
    ],
)
def test_a_runtime_that_is_installed_and_does_not_load_is_told_by_doctor_and_by_what_needs_it(
    raises: str, reason: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "ai_edge_litert"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "ai_edge_litert.py").write_text(f"raise {raises}\n")
    monkeypatch.syspath_prepend(tmp_path)
    result = edgecnn("doctor", "--json")
    findings = [finding for finding in json.loads(result.stdout) if finding["name"] == "runtime"]
    assert result.exit_code == 1 and not findings[0]["ok"] and "cannot be loaded" in findings[0]["found"]
    assert reason in findings[0]["advice"] and "reinstall it with pip" in findings[0]["advice"]
    assert findings[0]["advice"] in sentence(edgecnn("info", "fashion-mnist"))


@pytest.mark.skipif(sys.platform != "linux", reason="of a Raspberry Pi")
def test_the_camera_is_the_program_that_live_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (missing,) = (one for one in examine_machine() if one.name == "camera")
    assert missing.ok and "for live --source camera: sudo apt install rpicam-apps" in missing.advice
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("steady", "libcamera-vid")  # of an older Raspberry Pi OS
    (found,) = (one for one in examine_machine() if one.name == "camera")
    assert (found.found, found.advice) == (str(camera.bin / "libcamera-vid"), "")
