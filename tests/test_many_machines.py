"""The scripts for Slurm and Kubernetes do what their tasks would do, one after another."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgecnn.device import sample_images
from tests.support.command_line import Run

EXAMPLES = Path(__file__).parents[1] / "examples" / "many-machines"
BIN = Path(sys.executable).parent


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder of photographs, one of which cannot be read."""
    (tmp_path / "photos").mkdir()
    for path in sample_images():
        (tmp_path / "photos" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "photos" / "broken.png").write_bytes(b"no image")
    return tmp_path


def start(command: list[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    known = {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"]}
    return subprocess.run(
        command, cwd=folder, env={**known, **environment}, capture_output=True, text=True, timeout=120
    )


def check_merged(edgecnn: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data)
    assert edgecnn("classify", "fashion-mnist", "photos", "--output", "one.csv").exit_code == 1
    merged = edgecnn("merge", "answers.csv", *sorted(Path("parts").glob("*.csv")))
    assert "1 unreadable" in merged.stdout, merged.output
    assert Path("answers.csv").read_bytes() == Path("one.csv").read_bytes()


def test_slurm(edgecnn: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = EXAMPLES / "slurm.sh"
    first, last = map(int, re.findall(r"^#SBATCH --array=(\d+)-(\d+)$", script.read_text(), re.MULTILINE)[0])
    assert (first, last) == (1, 8)
    for task in ("1", "2", "2"):  # Slurm starts a task again whose node failed
        done = start(["bash", str(script)], data, SLURM_ARRAY_TASK_ID=task, SLURM_ARRAY_TASK_COUNT="2")
        assert done.returncode == 0, done.stderr
    check_merged(edgecnn, data, monkeypatch)
    failed = start(["bash", str(script)], data, SLURM_ARRAY_TASK_ID="3", SLURM_ARRAY_TASK_COUNT="2")
    assert failed.returncode and "counted from 1 to 2" in failed.stderr


def test_kubernetes(edgecnn: Run, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job: dict[str, Any] = yaml.safe_load((EXAMPLES / "job.yaml").read_text())
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    environment = {one["name"]: one["value"] for one in container["env"]}
    assert int(environment["PARTS"]) == spec["completions"] == spec["parallelism"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert set(mounted) == {volume["name"] for volume in pod["volumes"]} and container["workingDir"] in mounted.values()
    environment["PARTS"] = "2"
    for index in ("0", "1", "1"):
        done = start([*container["command"], *container["args"]], data, JOB_COMPLETION_INDEX=index, **environment)
        assert done.returncode == 0, done.stderr
    check_merged(edgecnn, data, monkeypatch)
