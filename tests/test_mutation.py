"""The search for what no test notices finds it, and nothing else."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.waiting import until

ROOT = Path(__file__).parents[1]
CASES = [  # tests, module, the last line, the exit code
    ("tests/model_file/test_card.py", "edgecnn.model_file.json_fields", "2 functions, 0 survivors", 0),
    ("tests/model_file/test_golden.py", "edgecnn.model_file.json_fields", "2 functions, 1 survivors", 1),
    (  # what a child process executes that ignores PYTHONPATH
        "tests/device/runtime/test_trial.py::test_changed_weights_under_digests_made_anew_are_noticed_by_the_probes",
        "edgecnn.device.runtime.attempt",
        "2 functions, 0 survivors",
        0,
    ),
]


@pytest.mark.parametrize(("tests", "module", "line", "exit_code"), CASES)
def test_functions_that_do_nothing_survive_only_where_no_test_runs_them(
    tests: str, module: str, line: str, exit_code: int
) -> None:
    command = [sys.executable, "tests/mutation.py", "--tests", tests, module]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert (done.stdout.splitlines()[-1], done.returncode) == (line, exit_code), done.stderr


def test_it_finds_the_same_beside_another_that_runs() -> None:
    tests, module, line, exit_code = CASES[0]
    command = [sys.executable, "tests/mutation.py", "--tests", str(tests), str(module)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as other:
        hook = Path(sysconfig.get_path("purelib"), f"edgecnn_mutant_{other.pid}.pth")
        assert until(hook.exists)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert other.returncode == exit_code
    assert (done.stdout.splitlines()[-1], done.returncode) == (line, exit_code), done.stderr
