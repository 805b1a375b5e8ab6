"""Finds what no test notices: every public function in turn does nothing, and a test must fail. By hand or nightly.

mutation.py [--tests PATH]... [MODULE]...: of the modules whose names begin so (all if none is named), with the tests in
PATH (all if none is given). The first run finds out which tests execute which function and is kept in --map FOLDER.
Prints each survivor as `module:function`; exits 1 if there is one.

Example: python tests/mutation.py --tests tests/model_file --tests tests/pixels edgecnn.model_file edgecnn.pixels
"""

import argparse
import ast
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOOK = ROOT / "tests" / "support" / "mutant"
STAGES = ("train", "convert", "device")
# Why it is right that no test notices.
ACCEPTED: dict[str, str] = {}


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


def module_files() -> dict[str, Path]:
    """Every module that ships, by its name; the links in edgecnn/ lead to the same files and are left out."""
    paths = [path for stage in STAGES for path in (ROOT / stage).rglob("*.py")]
    paths += [path for path in (ROOT / "edgecnn").rglob("*.py") if path.relative_to(ROOT).parts[1] not in STAGES]
    named = {}
    for path in paths:
        parts = path.relative_to(ROOT).with_suffix("").parts
        named[".".join(parts if parts[0] == "edgecnn" else ("edgecnn", *parts))] = path
    return {name.removesuffix(".__init__"): path for name, path in sorted(named.items())}


def targets(module: str, path: Path) -> Iterator[str]:
    """The public functions of a module and the public methods of its public classes, as `module:function`."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield f"{module}:{node.name}"
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            if any(ast.unparse(base).split("[")[0] == "Protocol" for base in node.bases):
                continue  # what it names has no body
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield f"{module}:{node.name}.{inner.name}"


def pytest(arguments: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run tests in a process of their own, and in those that it starts, with the hook on."""
    environment = {**os.environ, "PYTHONPATH": str(HOOK), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def survey(folder: Path, tests: list[str]) -> Tests:
    """Which tests execute which function: run now, or kept from an earlier run in `folder`."""
    durations = folder / "durations.json"
    if not durations.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        done = pytest(["-p", "durations", *tests], EDGECNN_MUTATION_MAP=str(folder), EDGECNN_DURATIONS=str(durations))
        print(done.stdout.splitlines()[-1], flush=True)
    of: dict[str, set[str]] = {}
    for path in folder.glob("*.txt"):
        for line in path.read_text().splitlines():
            target, _, test = line.partition("\t")
            of.setdefault(target, set()).add(test)
    return Tests(of, json.loads(durations.read_text()))


def survives(target: str, tests: Tests, budget_s: float) -> str:
    """Why a function counts as a survivor; empty if a test fails without it."""
    chosen = tests.in_order(target, budget_s)
    if not chosen:
        return "no test that passes executes it"
    done = pytest(["-x", *chosen], EDGECNN_MUTANT=target)
    return f"{len(chosen)} tests execute it and pass" if done.returncode == 0 else ""


def main() -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="beginning of the names of modules")
    parser.add_argument("--tests", action="append", metavar="PATH", help="tests that may notice  [default: all]")
    parser.add_argument("--map", type=Path, metavar="FOLDER", help="keep there which test executes what")
    parser.add_argument("--jobs", type=int, default=2, help="side by side  [default: 2]")
    parser.add_argument("--budget", type=float, default=300, metavar="SECONDS", help="of tests for one function")
    options = parser.parse_args()
    names = {name: path for name, path in module_files().items() if name.startswith(tuple(options.modules or [""]))}
    wanted = [target for name, path in names.items() for target in targets(name, path) if target not in ACCEPTED]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.jobs) as pool:
        tests = survey(options.map or Path(scratch), options.tests or ["tests"])
        verdicts = pool.map(lambda target: survives(target, tests, options.budget), wanted)
        survivors = 0
        for target, verdict in zip(wanted, verdicts, strict=True):
            if verdict:
                survivors += 1
                print(f"{target}: {verdict}", flush=True)
    print(f"{len(wanted)} functions, {survivors} survivors")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
