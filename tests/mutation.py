"""Finds what no test notices: every public function in turn does nothing, and a test must fail. By hand or nightly.

mutation.py [--tests PATH]... [MODULE]...: of the modules whose names begin so (all if none is named), with the tests in
PATH (all if none is given). The first run finds out which tests execute which function and is kept in --map FOLDER.
Prints each survivor as `module:function`; exits 1 if there is one.

Example: python tests/mutation.py --tests tests/model_file --tests tests/pixels edgecnn.model_file edgecnn.pixels
"""

import argparse
import ast
import contextlib
import gc
import importlib
import json
import os
import shutil
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.source_tree import ROOT, module_files

HOOK = ROOT / "tests" / "support" / "mutant"
TOLD = "('EDGECNN_MUTANT' in os.environ or 'EDGECNN_MUTATION_MAP' in os.environ)"
_LONGEST_SURVEY_S = 6 * 3600
# Why it is right that no test notices.
ACCEPTED: dict[str, str] = {
    "edgecnn.device.runtime.bare:ScoreTensor.is_elementwise": "it is False, and None is as false",
    "edgecnn.device.runtime.worker:Worker.abandon": "subprocess, too, ends no process that is not a child of its own",
}


@dataclass(frozen=True)
class Tests:
    """What the first run found.

    Attributes:
        of: the tests that execute a function, by `module:function`.
        seconds: how long each test took that passed.
    """

    of: dict[str, set[str]]
    seconds: dict[str, float]

    def in_order(self, target: str, budget_s: float) -> list[str]:
        """Those that may notice, those of the function's own room first, then the quickest; within the budget."""
        room = target.split(":")[0].removeprefix("edgecnn.").split(".")
        homes = [f"tests/{'/'.join(room[:depth])}" for depth in range(len(room), 0, -1)]
        found = [test for test in self.of.get(target, ()) if test in self.seconds]
        found.sort(key=lambda test: (not test.startswith(tuple(homes)), self.seconds[test]))
        chosen: list[str] = []
        total = 0.0
        for test in found:
            total += self.seconds[test]
            if total > budget_s and chosen:
                break
            chosen.append(test)
        return chosen


def targets(module: str, path: Path) -> Iterator[str]:
    """The public functions of a module and the public methods of its public classes, as `module:function`."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not does_nothing(node):
            yield f"{module}:{node.name}"
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if any(ast.unparse(base).split("[")[0] == "Protocol" for base in node.bases):
                continue  # what it names has no body
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_") and not does_nothing(inner):
                    yield f"{module}:{node.name}.{inner.name}"


def does_nothing(function: ast.FunctionDef) -> bool:
    """Whether all its body is a docstring: an abstract method, or a group of commands."""
    return len(function.body) == 1 and ast.get_docstring(function) is not None


@contextlib.contextmanager
def hooked() -> Iterator[None]:
    """Every Python that is told of a mutant or a map loads the hook at its start: `python -I`, too, without PYTHONPATH.

    Others do not: one that runs this program beside us would find it loaded when it tells its own tests.
    """
    path = Path(sysconfig.get_path("purelib"), f"edgecnn_mutant_{os.getpid()}.pth")
    path.write_text(f"import os, sys; {TOLD} and (sys.path.append({str(HOOK)!r}), __import__('edgecnn_mutant'))\n")
    sys.path[:2] = [str(ROOT), str(HOOK)]  # not this file's folder: as `python -m pytest` has it
    os.chdir(ROOT)
    try:
        yield
    finally:
        path.unlink()


def start(arguments: list[str], variables: dict[str, str], folder: Path, limit_s: float, shares: bool = True) -> int:
    """Run tests in a fork of this process, which has loaded what takes long.

    Args:
        arguments: of pytest.
        variables: of the environment of these tests, and of the processes that they start.
        folder: for `log`, and for what tests make once and share.
        limit_s: seconds after which the process is ended: a function that does nothing may have a test wait forever.
        shares: whether the tests share what those of earlier runs made, as the workers of one run do.

    Returns:
        The number of the process, whose exit code is pytest's.
    """
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        signal.alarm(int(limit_s))
        log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.environ.update(variables, PYTHONDONTWRITEBYTECODE="1")
        importlib.import_module("edgecnn_mutant")
        if shares:
            os.environ["PYTEST_XDIST_WORKER"] = "mutation"
            arguments = [f"--basetemp={folder / 'made' / str(os.getpid())}", *arguments]
        os._exit(pytest.main(["-q", "-p", "no:cacheprovider", *arguments]))
    finally:
        os._exit(pytest.ExitCode.INTERNAL_ERROR)


def survey(folder: Path, tests: list[str]) -> Tests:
    """Which tests execute which function: run now, or kept from an earlier run in `folder`."""
    durations = folder / "durations.json"
    if not durations.is_file():
        (folder / "made").mkdir(parents=True, exist_ok=True)
        names = {"EDGECNN_MUTATION_MAP": str(folder), "EDGECNN_DURATIONS": str(durations)}
        os.waitpid(start(["-p", "durations", *tests], names, folder, _LONGEST_SURVEY_S), 0)
        print((folder / "log").read_text().splitlines()[-1], flush=True)
    of: dict[str, set[str]] = {}
    for path in folder.glob("*.txt"):
        for line in path.read_text().splitlines():
            target, _, test = line.partition("\t")
            of.setdefault(target, set()).add(test)
    return Tests(of, json.loads(durations.read_text()))


@dataclass
class Search:
    """Runs the tests of one function after another, some side by side.

    Attributes:
        tests: what the first run found.
        folder: where that was kept.
        budget_s: of tests for one function.
        running: function, number of tests and whether they share, by process.
    """

    tests: Tests
    folder: Path
    budget_s: float
    running: dict[int, tuple[str, int, bool]] = field(default_factory=dict)

    def verdicts(self, wanted: list[str], jobs: int) -> Iterator[tuple[str, str]]:
        """Each function, and why it counts as a survivor: empty if a test fails without it."""
        for target in wanted:
            if not self.tests.in_order(target, self.budget_s):
                yield target, "no test that passes executes it"
                continue
            while len(self.running) == jobs:
                yield from self._ended()
            self._try(target, shares=True)
        while self.running:
            yield from self._ended()

    def _try(self, target: str, *, shares: bool) -> None:
        chosen = self.tests.in_order(target, self.budget_s)
        limit_s = 10 * self.budget_s
        child = start(["-x", *chosen], {"EDGECNN_MUTANT": target}, self.folder, limit_s, shares)
        self.running[child] = target, len(chosen), shares

    def _ended(self) -> Iterator[tuple[str, str]]:
        child, status = os.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what its tests left running
        shutil.rmtree(self.folder / "made" / str(child), ignore_errors=True)
        target, count, shares = self.running.pop(child)
        if status == 0 and shares:  # what was made by the function as it is may hide it
            self._try(target, shares=False)
        else:
            yield target, f"{count} tests execute it and pass" if status == 0 else ""


def main() -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="beginning of the names of modules")
    parser.add_argument("--tests", action="append", metavar="PATH", help="tests that may notice  [default: all]")
    parser.add_argument("--map", type=Path, metavar="FOLDER", help="keep there which test executes what")
    parser.add_argument("--load", action="append", default=[], metavar="MODULE", help="once, for all: tensorflow")
    parser.add_argument("--jobs", type=int, default=2, help="side by side  [default: 2]")
    parser.add_argument("--budget", type=float, default=300, metavar="SECONDS", help="of tests for one function")
    options = parser.parse_args()
    names = {name: path for name, path in module_files().items() if name.startswith(tuple(options.modules or [""]))}
    wanted = [target for name, path in names.items() for target in targets(name, path) if target not in ACCEPTED]
    for name in options.load:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # forks share what is not visited
    with tempfile.TemporaryDirectory() as scratch, hooked():
        folder = options.map or Path(scratch)
        search = Search(survey(folder, options.tests or ["tests"]), folder, options.budget)
        survivors = 0
        for target, verdict in search.verdicts(wanted, options.jobs):
            if verdict:
                survivors += 1
                print(f"{target}: {verdict}", flush=True)
    print(f"{len(wanted)} functions, {survivors} survivors")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
