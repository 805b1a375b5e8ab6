"""Instructions that a Raspberry Pi takes for one inference and for one `classify`, counted under emulation.

    python -m benchmarks.pi_instructions

Times under emulation say nothing; instruction counts are the processor's own, and repeat to 0.01 %. Needs Debian, gcc,
and root where qemu-user or the boards' C++ compilers are missing; $EDGECNN_PI keeps the boards for the next time (see
`make test-pi`).
"""

import shutil

from benchmarks.board_instructions import BOARDS, ROOT, boards, counted
from edgecnn.convert import convert
from edgecnn.model_file.bundled import sample_images
from edgecnn.train import load_fashion_mnist

THERE = """
import sys
from edgecnn.device import Classifier

for model in sys.argv[2:]:
    classifier = Classifier(model, trust=True)  # a child process that tries it would count, too
    pixels = classifier.prepare(sys.argv[1]).pixels
    tensor = classifier._gather(pixels)
    session = classifier._session
    count(lambda: session.run(tensor))
    count(lambda: classifier.classify(sys.argv[1]))
"""


def main() -> None:
    """Build the boards, count, print a table in millions."""
    with boards() as (lab, wheel, folder):
        shutil.copytree(ROOT / "tests/parity/reference", folder / "run")
        dataset = load_fashion_mnist()
        models = [
            str(convert(folder / "run", dataset, scheme=scheme, activations=False).plain.path)
            for scheme in ("int8", "float32")
        ]
        image = next(str(path) for path in sample_images() if "sneaker" in path.name)
        print("millions of instructions: inference int8, classify int8, inference float32, classify float32")
        for board in BOARDS:
            lab.build([board], wheel)
            found = counted(lab, board, folder, THERE, image, *models)
            print(board, *(f"{count / 1e6:.2f}" for count in found))


if __name__ == "__main__":
    main()
