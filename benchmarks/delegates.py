"""What every command says of a delegate that misbehaves, and what isolation and audit cost.

    python benchmarks/delegates.py
    python benchmarks/delegates.py --python old/bin/python      a Python with tflite-runtime 2.14
    python benchmarks/delegates.py --cost

The delegate is that of the tests, compiled here; it is told to fail in one way after another, from the start and late.
"""

import collections
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from edgecnn.device import Classifier, Delegate
from edgecnn.model_file.bundled import sample_images

ROOT = Path(__file__).parents[1]
LATE = "after=30"  # calls; 25 of them are loading
# Each with the options beside it.
MODES = (
    "fail_create", "fail_prepare", "crash_create", "exit_create", "reject", "chat",
    "wrong", "fail_invoke", "crash_invoke", "exit_invoke",
    *(f"{mode} {LATE}" for mode in (
        "fail_invoke", "crash_invoke", "abort_invoke", "kill_invoke", "exit_invoke", "throw_invoke", "hang_invoke",
        "wrong", "chat_invoke", "close_invoke", "chdir_invoke", "umask_invoke", "locale_invoke", "rounding_invoke",
        "limit_invoke", "fork_invoke", "scrawl_invoke",
    )),
    "wrong every=10 after=25",
)  # fmt: skip
COMMANDS = {
    "classify": ("classify", "fashion-mnist", *map(str, sample_images()), "--audit", "1"),
    "verify": ("verify", "fashion-mnist"),
    "benchmark": ("benchmark", "fashion-mnist", "--runs", "20", "--audit", "1"),
}


def compiled(folder: Path) -> Path:
    """The tests' delegate."""
    library = folder / "pool.so"
    source = ROOT / "tests" / "support" / "pool_delegate.cc"
    subprocess.run([os.environ.get("CXX", "g++"), "-O2", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def told(python: str, library: Path, command: tuple[str, ...], mode: str, more: tuple[str, ...]) -> str:
    """Exit code of a command, and the first thing that it said."""
    options = [f"{option}=1" if "=" not in option else option for option in mode.split()]
    asked = [part for option in options for part in ("--delegate-option", option)]
    line = [python, "-m", "edgecnn", *command, "--delegate", str(library), *asked, *more]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(line, capture_output=True, text=True, errors="replace", env=environment, timeout=300)
    said = [line for line in done.stderr.splitlines() if line.startswith(("Error", "Warning"))]
    counted = collections.Counter(text.replace(str(library), "it") for text in said)
    words = "; ".join(f"{count} x {text}" if count > 1 else text for text, count in counted.items())
    raw = " RAW ESCAPES" if "\x1b" in done.stdout + done.stderr else ""
    traceback = " TRACEBACK" if "Traceback" in done.stderr else ""
    return f"{done.returncode}{raw}{traceback} {words}".strip()


def cost(library: Path, calls: int) -> None:
    """Microseconds of one classification, one of each kind in turn."""
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28, 1), np.uint8)
    kinds = {
        "the runtime's own choice": Classifier("fashion-mnist"),
        "delegate, --no-isolate --audit 0": delegated(library, False, 0),
        "delegate, --no-isolate --audit 1%": delegated(library, False, 0.01),
        "delegate, --isolate --audit 0": delegated(library, True, 0),
        "delegate, --isolate --audit 1%": delegated(library, True, 0.01),
        "delegate, --isolate --audit 10%": delegated(library, True, 0.1),
    }
    times_us: dict[str, list[float]] = {name: [] for name in kinds}
    for call in range(calls):
        for name in sorted(kinds, key=lambda name: hash((name, call))):  # none is always after the same one
            started = time.perf_counter()
            kinds[name].classify(pixels)
            times_us[name].append(1e6 * (time.perf_counter() - started))
    for name, found in times_us.items():
        kept = found[calls // 10 :]
        print(f"{name:36} p50 {statistics.median(kept):7.1f} us, mean {statistics.fmean(kept):7.1f} us")


def delegated(library: Path, isolate: bool, audit: float) -> Classifier:
    """The bundled network with the healthy delegate."""
    return Classifier("fashion-mnist", delegate=Delegate(str(library), isolate=isolate, audit=audit))


@click.command()
@click.option("--python", default=sys.executable, help="Another Python, with another runtime.")
@click.option("--mode", "modes", multiple=True, help="Of these alone.")
@click.option("--command", "commands", multiple=True, type=click.Choice(list(COMMANDS)), help="Of these alone.")
@click.option("--no-isolate", is_flag=True, help="In the command's own process.")
@click.option("--cost", "is_cost", is_flag=True, help="Measure what isolation and audit cost.")
@click.option("--calls", default=2000, show_default=True, help="Of each kind, with --cost.")
def main(
    python: str, modes: tuple[str, ...], commands: tuple[str, ...], no_isolate: bool, is_cost: bool, calls: int
) -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder))
        if is_cost:
            cost(library, calls)
            return
        here = ("--no-isolate",) if no_isolate else ()
        fallbacks: tuple[tuple[str, ...], ...] = ((), ("--fallback", "cpu"))
        for mode in modes or MODES:
            for name in commands or COMMANDS:
                for fallback in fallbacks:
                    said = told(python, library, COMMANDS[name], mode, (*fallback, *here))
                    print(f"{mode:26} {name:10}{' '.join(fallback):15} {said}", flush=True)


if __name__ == "__main__":
    main()
