"""Files and folders that may not be read or written: a sentence says which, as root too."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgecnn.model_file.bundled import find_model, sample_images

# Root may use every file unless it gives that up.
OBEYING = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.name == "posix" and os.geteuid() == 0 else ()
)
pytestmark = pytest.mark.skipif(bool(OBEYING) and not shutil.which("setpriv"), reason="root without setpriv")
CASES = {
    "classify fashion-mnist boot.png": "boot.png: cannot be read (Permission denied)",
    "classify fashion-mnist folder": "the folder folder/class cannot be read (Permission denied)",
    "classify fashion-mnist seen.png --output locked/r.csv": "cannot write locked/r.csv: Permission denied",
    "info model.tflite": "cannot read the model model.tflite: Permission denied",
    "samples locked/samples": "locked/samples: Permission denied; ls -ld locked shows who may",
    "train --data folder --output run": "folder/class: Permission denied; ls -ld folder/class shows who may",
    "live fashion-mnist --source seen.png --keep chosen=locked/kept": "locked/kept: Permission denied; ls -ld locked ",
    "samples l'atelier/s": """l'atelier/s: Permission denied; ls -ld 'l'"'"'atelier' shows who may""",
}


@pytest.mark.parametrize("line", CASES)
def test_what_may_not_be_used_is_named(line: str, tmp_path: Path) -> None:
    for name in ("boot.png", "seen.png", "folder/class/boot.png", "folder/other/boot.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sample_images()[0], tmp_path / name)
    shutil.copy(find_model("fashion-mnist"), tmp_path / "model.tflite")
    (tmp_path / "locked").mkdir()
    (tmp_path / "l'atelier").mkdir()
    closed = [tmp_path / name for name in ("boot.png", "model.tflite", "folder/class", "locked", "l'atelier")]
    for path in closed:
        path.chmod(0)
    try:
        command = [*OBEYING, sys.executable, "-m", "edgecnn", *line.split(" ")]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    finally:
        for path in closed:
            path.chmod(0o700)
    said = done.stderr.splitlines()[-1]
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert said.startswith(f"Error: {CASES[line]}"), done.stderr
