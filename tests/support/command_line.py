"""The command line in tests: what it did, in this process or in a new one."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from edgecnn.cli import main

SCRIPTS = Path(__file__).parents[1] / "scripts"


@dataclass(frozen=True)
class Outcome:
    """What a command line did."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """What it wrote, to standard output and then to standard error."""
        return self.stdout + self.stderr


Run = Callable[..., Outcome]


def in_this_process(*arguments: object, input: bytes | None = None) -> Outcome:
    """Run edgecnn here. What would be a traceback in a terminal is raised, and no exit code can be taken for it."""
    # What click 8.1 must be asked for, later ones always do.
    apart: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    result = CliRunner(**apart).invoke(main, [str(one) for one in arguments], input=input, catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def printed(result: Outcome, exit_code: int = 0) -> str:
    """What a command that ended so wrote to standard output: 1 where some of its images could not be read."""
    assert result.exit_code == exit_code, result.output
    return result.stdout


def sentence(result: Outcome, exit_code: int = 1) -> str:
    """The one line on stderr of a command that failed as expected."""
    assert result.exit_code == exit_code, result.output
    assert "Traceback" not in result.stderr
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(lines) == 1, result.stderr
    return lines[0]


def in_new_process(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run edgecnn where native libraries write to the real standard error."""
    command = [sys.executable, "-m", "edgecnn", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def killed_when(file: Path, size_bytes: int, *arguments: str | Path) -> list[str]:
    """A command that runs edgecnn and is killed as by `kill -9` once `file`, which may be a pattern, is that large."""
    script = SCRIPTS / "killed_at_size.py"
    return [sys.executable, str(script), str(file), str(size_bytes), *map(str, arguments)]
