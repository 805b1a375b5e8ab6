"""Counts the instructions of steps of a program on an emulated Raspberry Pi; see `count_instructions.c`."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.pi.boards import Lab

ROOT = Path(__file__).parents[1]
BOARDS = ("pi5", "pi4", "pi2")
RUNS = 7

# Before a program, which then calls `count` for each of its steps. Marks 0 and 1 have nothing between them; then there
# is a pair around each run of each step.
_MARKS = f"""
import os
number = 0

def mark():
    global number
    try:
        os.close(0x7E570000 + number)
    except OSError:
        pass
    number += 1

mark()
mark()

def count(step):
    for _ in range({RUNS}):
        mark()
        step()
        mark()
"""


@contextmanager
def boards() -> Iterator[tuple[Lab, Path, Path]]:
    """A lab without boards, a new wheel of edgecnn, and a folder with the counting plugin."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        source = Path(__file__).with_name("count_instructions.c")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(folder / "count.so"), str(source)], check=True)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", name, str(ROOT)], check=True)
        lab = Lab(Path(os.environ.get("EDGECNN_PI") or folder / "pi").absolute())
        lab.folder.mkdir(parents=True, exist_ok=True)
        yield lab, next(folder.glob("*.whl")), folder


def counted(lab: Lab, board: str, folder: Path, program: str, *arguments: str) -> list[float]:
    """Instructions of each step that `program` counts on a board, the median of its runs."""
    output = folder / f"{board}.txt"
    plugin = f"{folder / 'count.so'},out={output}"
    done = lab.run(board, "-c", _MARKS + program, *arguments, variables={"QEMU_PLUGIN": plugin})
    if done.returncode:
        sys.exit(done.stderr[-1000:])
    marks = {int(number): int(count) for number, count in map(str.split, output.read_text().splitlines())}
    of_a_mark = marks[1] - marks[0]
    found = []
    for start in range(2, len(marks), 2 * RUNS):
        pairs = range(start, start + 2 * RUNS, 2)
        found.append(statistics.median(marks[first + 1] - marks[first] - of_a_mark for first in pairs))
    return found
