"""The pip that a sentence names installs where this edgecnn looks."""

import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn.cli.own_pip import name_own_pip


def test_the_pip_that_is_named_is_this_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = Path(sys.executable).with_name("pip")
    if sys.prefix == sys.base_prefix or not own.is_file():
        pytest.skip("no environment of its own, or one without pip")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    said = name_own_pip('no wheels: pip install "edgecnn[heic]"; on a training box: pip install "edgecnn[train]"')
    assert said == f'no wheels: {own} install "edgecnn[heic]"; on a training box: pip install "edgecnn[train]"'
    assert str(Path(sys.prefix)) in subprocess.run([own, "--version"], capture_output=True, text=True).stdout
    monkeypatch.chdir(own.parent.parent)
    assert name_own_pip("pip install x") == f"{own.parent.name}/pip install x"
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert name_own_pip("pip install x") == f"{own} install x"
    monkeypatch.chdir(own.parent.parent)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin")
    assert name_own_pip("pip install x") == "pip install x"


def test_what_names_no_pip_stays_as_it_is() -> None:
    assert name_own_pip("sudo apt install python3-pip") == "sudo apt install python3-pip"
