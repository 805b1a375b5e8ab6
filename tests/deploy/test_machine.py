"""Devices that nobody has here, as they would answer."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from edgecnn.deploy.machine import Machine, read_before, read_deployed, read_machine
from edgecnn.deploy.release import Release
from edgecnn.deploy.requirements import missing_requirements, own_requirements
from edgecnn.errors import DeployError

PI_5 = {
    "python": "/usr/bin/python3", "version": [3, 11, 2], "bits": 64, "machine": "aarch64", "system": "Linux",
    "implementation": "CPython", "libc": "glibc 2.36", "venv": True, "packages": {},
}  # fmt: skip
DEBIAN = {"numpy": "1.24.2", "Pillow": "9.4.0", "matplotlib": "3.6.3", "click": "8.1.3"}
OLD_PI = {**PI_5, "bits": 32, "machine": "armv7l", "packages": DEBIAN}


def machine(*pythons: dict[str, Any], any_python: bool = False) -> Machine:
    reply = {"root": ["/home/pi/x"], "free": ["1000"], "python": [json.dumps(one) for one in pythons]}
    return read_machine("pi", reply, any_python)


def refused(**changed: Any) -> str:
    with pytest.raises(DeployError) as error:
        machine({**PI_5, **changed})
    return str(error.value)


def test_raspberry_pi_os_of_two_generations_and_sizes() -> None:
    assert str(machine(PI_5)) == "aarch64, Python 3.11.2, glibc 2.36"
    trixie = machine({**PI_5, "version": [3, 13, 5], "libc": "glibc 2.41"})
    assert trixie.libc == (2, 41) and trixie.prefix == "" and trixie.free_bytes == 1_024_000
    assert machine(OLD_PI).prefix == ""


@pytest.mark.parametrize(
    ("bits", "kernel", "wheels", "prefix"),
    [
        (32, "armv7l", "armv7l", ""),
        (32, "aarch64", "armv7l", "linux32"),  # Raspberry Pi OS of 32 bits as it comes
        (32, "armv8l", "armv7l", ""),  # that, where linux32 started the shell
        (64, "aarch64", "aarch64", ""),
        (64, "armv8l", "aarch64", "linux64"),  # a 64-bit Python in such a shell
        (64, "x86_64", "x86_64", ""),
    ],
)
def test_wheels_follow_python_and_not_the_kernel(bits: int, kernel: str, wheels: str, prefix: str) -> None:
    found = machine({**PI_5, "bits": bits, "machine": kernel})
    assert (found.machine, found.prefix) == (wheels, prefix)
    needed = names(own_requirements(found, ()))
    assert ("tflite-runtime" in needed, "ai-edge-litert" in needed) == (bits == 32, bits == 64)


def test_the_first_python_that_fits_is_taken() -> None:
    old, new = {**PI_5, "version": [3, 9, 2]}, {**PI_5, "python": "/opt/python3.12", "version": [3, 12, 1]}
    assert machine(old, new).python == "/opt/python3.12"


def test_what_cannot_run_is_refused() -> None:
    assert "edgecnn needs 3.10 or newer" in refused(version=[3, 9, 2])
    assert "for Python up to 3.14 only" in refused(version=[3, 15, 0])
    only = "for 32 bits there is a runtime for Python 3.10 and 3.11 only: install the 64-bit Raspberry Pi OS"
    for version in ([3, 13, 5], [3, 9, 2]):  # Trixie and Bullseye
        said = refused(**{**OLD_PI, "version": version, "machine": "aarch64"})
        assert only in said
    assert "a 32-bit Python on armv6l, for which there is no runtime" in refused(machine="armv6l", bits=32)
    assert "a 32-bit Python on x86_64, for which there is no runtime" in refused(machine="x86_64", bits=32)
    assert "a processor riscv64, for which there is no runtime" in refused(machine="riscv64")
    assert "no glibc" in refused(libc="") and "glibc 2.17" in refused(libc="glibc 2.13")
    assert "PyPy" in refused(implementation="PyPy") and "Darwin" in refused(system="Darwin")
    assert "python3-venv" in refused(venv=False)
    assert machine({**OLD_PI, "version": [3, 13, 5]}, any_python=True).version == (3, 13, 5)


def test_a_release_is_what_was_sent_or_damaged() -> None:
    facts = Release("größe\udcff.tflite", b"model").facts("venv", "1.0")
    text = json.dumps(facts, indent=2)
    reply = {"current": ["0001-x"], "sha256": [facts["model"]["sha256"]], "settled": [""]}
    whole = read_deployed({**reply, "release": [text]})
    assert whole and whole.facts == facts and whole.is_intact
    for damaged in ("", "\0" * len(text), text[:-1], "[]", '"id"', text.replace("1.0", "1.1"), '{"id": "x"}'):
        found = read_deployed({**reply, "release": [damaged]})
        assert found and found.facts == {} and not found.is_intact, damaged
    assert read_deployed(reply) == found  # the file is not there


def test_what_it_would_go_back_to_is_the_release_before_with_its_facts() -> None:
    facts = Release("old.tflite", b"model").facts("venv", "1.0")
    assert read_before({"current": ["0002-y"], "before": [""]}) is None
    before = read_before({"current": ["0002-y"], "before": ["0001-x"], "before_release": [json.dumps(facts)]})
    assert before and (before.name, before.facts, before.is_intact) == ("0001-x", facts, True)


def names(needed: list[str]) -> set[str]:
    return {text.split(">")[0].split("<")[0].split("=")[0] for text in needed}


def test_each_gets_its_own_runtime_and_a_32_bit_system_keeps_what_it_has() -> None:
    assert names(own_requirements(machine(PI_5), ())) == {"ai-edge-litert", "click", "matplotlib", "numpy", "pillow"}
    assert own_requirements(machine(OLD_PI), ()) == ["tflite-runtime==2.14.0"]
    bare = own_requirements(machine({**OLD_PI, "packages": {}}), ())
    assert "numpy<2" in bare and names(bare) == {"tflite-runtime", "click", "matplotlib", "numpy", "pillow"}
    too_new = own_requirements(machine({**OLD_PI, "packages": {**DEBIAN, "numpy": "2.2.4"}}), ())
    assert "numpy<2" in too_new and "pillow>=9.4" not in too_new
    assert {"av", "paho-mqtt", "uvicorn"} <= names(own_requirements(machine(PI_5), ("live", "mqtt")))


def test_what_the_wheels_need_there_and_nobody_has_is_missing(tmp_path: Path) -> None:
    needs = (
        'Alpha>=2; python_version >= "3.11"', 'beta; sys_platform == "win32"', "Gamma_Delta[fast]<3", "click>=8",
        "pillow>=99",
    )  # fmt: skip
    with zipfile.ZipFile(tmp_path / "one-1.0-py3-none-any.whl", "w") as wheel:
        lines = ["Metadata-Version: 2.1", "Name: one", *(f"Requires-Dist: {each}" for each in needs)]
        wheel.writestr("one-1.0.dist-info/METADATA", "\n".join(lines))
    with zipfile.ZipFile(tmp_path / "gamma_delta-2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("gamma_delta-2.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: gamma-delta")
    there = machine({**OLD_PI, "python": "/usr/bin/python3"})  # with Debian's click and an older Pillow
    assert missing_requirements(there, ["epsilon==1", "one"], tmp_path) == ["Alpha>=2", "epsilon==1", "pillow>=99"]
