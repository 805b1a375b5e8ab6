"""The search for what no test notices finds it, and nothing else."""

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.support.waiting import until

ROOT = Path(__file__).parents[1]
JSON_FIELDS = "edgecnn.model_file.json_fields"
# Tests, a module, those of its functions that no test there notices, and those that one notices.
CASES: list[tuple[str, str, set[str], set[str]]] = [
    ("tests/model_file/test_card.py", JSON_FIELDS, set(), {"refuse_constant", "unique_fields", "decode"}),
    ("tests/model_file/test_golden.py", JSON_FIELDS, {"refuse_constant", "decode"}, {"unique_fields"}),
    (  # what a child process executes that ignores PYTHONPATH
        "tests/device/runtime/test_trial.py::test_changed_weights_under_digests_made_anew_are_noticed_by_the_probes",
        "edgecnn.device.runtime.attempt",
        set(),
        {"run_in_child", "attempt"},
    ),
]


def require_found(done: "subprocess.CompletedProcess[str]", module: str, missed: set[str], noticed: set[str]) -> None:
    """The search came to its end, and of these functions found those that no test notices."""
    *lines, last = done.stdout.splitlines()
    survivors = {line.split(": ")[0].removeprefix(f"{module}:") for line in lines if line.startswith(f"{module}:")}
    counts = re.fullmatch(r"(\d+) functions, (\d+) survivors", last)
    assert counts, done.stderr
    functions, survived = int(counts[1]), int(counts[2])
    assert survivors & (missed | noticed) == missed, done.stdout + done.stderr
    assert functions >= len(missed | noticed) and survived == len(survivors)
    assert done.returncode == int(survived > 0)


def search(tests: str, module: str) -> list[str]:
    return [sys.executable, "tests/mutation.py", "--tests", tests, module]


@pytest.mark.parametrize(("tests", "module", "missed", "noticed"), CASES)
def test_functions_that_do_nothing_survive_only_where_no_test_runs_them(
    tests: str, module: str, missed: set[str], noticed: set[str]
) -> None:
    done = subprocess.run(search(tests, module), cwd=ROOT, capture_output=True, text=True, timeout=300)
    require_found(done, module, missed, noticed)


def test_it_finds_the_same_beside_another_that_runs() -> None:
    tests, module, missed, noticed = CASES[1]
    with subprocess.Popen(search(tests, module), cwd=ROOT, stdout=subprocess.DEVNULL) as other:
        hook = Path(sysconfig.get_path("purelib"), f"edgecnn_mutant_{other.pid}.pth")
        assert until(hook.exists)
        done = subprocess.run(search(tests, module), cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert other.returncode == done.returncode
    require_found(done, module, missed, noticed)
