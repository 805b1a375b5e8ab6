"""Instructions that a Raspberry Pi takes for one inference and for one `classify`, counted under emulation.

    python -m benchmarks.pi_instructions

Times under emulation say nothing; instruction counts are the processor's own, and repeat to 0.01 %. Needs Debian, gcc,
and root where qemu-user or the boards' C++ compilers are missing; $EDGECNN_PI keeps the boards for the next time (see
`make test-pi`).
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from edgecnn.convert import convert
from edgecnn.model_file.bundled import sample_images
from edgecnn.train import load_fashion_mnist
from tests.pi.boards import Lab

ROOT = Path(__file__).parents[1]
BOARDS = ("pi5", "pi4", "pi2")
RUNS = 7

# Marks 0 and 1 have nothing between them; then, for each model, a pair around each inference and each classification.
THERE = """
import os, sys
from edgecnn.device import Classifier

def mark(number):
    try:
        os.close(0x7E570000 + number)
    except OSError:
        pass

mark(0)
mark(1)
number = 2
for model in sys.argv[2:]:
    classifier = Classifier(model)
    pixels = classifier.prepare(sys.argv[1]).pixels
    tensor = classifier._gather(pixels)
    session = classifier._session
    for call in (lambda: session.run(tensor), lambda: classifier.classify(sys.argv[1])):
        for _ in range(%d):
            mark(number)
            call()
            mark(number + 1)
            number += 2
"""


def counted(lab: Lab, board: str, plugin: Path, models: list[Path]) -> list[float]:
    """Instructions of each model's inference and classification, in turn."""
    image = next(path for path in sample_images() if "sneaker" in path.name)
    output = lab.folder / f"instructions-{board}.txt"
    arguments = ("-c", THERE % RUNS, str(image), *map(str, models))
    done = lab.run(board, *arguments, variables={"QEMU_PLUGIN": f"{plugin},out={output}"})
    if done.returncode:
        sys.exit(done.stderr[-1000:])
    marks = {int(number): int(count) for number, count in map(str.split, output.read_text().splitlines())}
    of_a_mark = marks[1] - marks[0]
    found = []
    for start in range(2, len(marks), 2 * RUNS):
        pairs = range(start, start + 2 * RUNS, 2)
        found.append(statistics.median(marks[first + 1] - marks[first] - of_a_mark for first in pairs))
    return found


def main() -> None:
    """Build the boards, count, print a table in millions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugin = folder / "count_instructions.so"
        source = Path(__file__).with_name("count_instructions.c")
        subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", str(plugin), str(source)], check=True)
        subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", name, str(ROOT)], check=True)
        shutil.copytree(ROOT / "tests/parity/reference", folder / "run")
        dataset = load_fashion_mnist()
        models = [
            convert(folder / "run", dataset, scheme=scheme, activations=False).plain.path
            for scheme in ("int8", "float32")
        ]
        lab = Lab(Path(os.environ.get("EDGECNN_PI") or folder / "pi").absolute())
        lab.folder.mkdir(parents=True, exist_ok=True)
        print("millions of instructions: inference int8, classify int8, inference float32, classify float32")
        for board in BOARDS:
            lab.build(board, next(folder.glob("*.whl")))
            print(board, *(f"{count / 1e6:.2f}" for count in counted(lab, board, plugin, models)))


if __name__ == "__main__":
    main()
