"""Instructions that a Raspberry Pi takes for one frame of `edgecnn live`, part by part, counted under emulation.

    python -m benchmarks.live_instructions

The frames are those of `benchmarks/live.py`, JPEGs of 640 x 480; the model is the bundled activations variant in int8.
What it needs is said in `pi_instructions.py`.
"""

from benchmarks.board_instructions import BOARDS, boards, counted
from benchmarks.live import frame

PARTS = ("JPEG to input", "network", "read the maps", "make the message")

THERE = """
import sys
from itertools import cycle
from pathlib import Path

from edgecnn.device import Classifier
from edgecnn.device.live.frames import Frame
from edgecnn.device.live.observation import Observation, Status
from edgecnn.device.live.server.messages import FrameMessages
from edgecnn.device.live.server.requests import MapRequest
from edgecnn.device.map_reader import MapReader

classifier = Classifier("fashion-mnist.activations")
reader = MapReader(classifier.loaded)
jpegs = [Path(name).read_bytes() for name in sys.argv[1:]]

def prepare(jpeg):
    return classifier.prepare(Frame(jpeg, 1, "frame.jpg", 0.0, 0.0).image, crop="square")

prepared = [prepare(jpeg) for jpeg in jpegs]
images = cycle(one.pixels for one in prepared)
predictions = classifier.rank(next(images), 5)
status = Status("a folder", 1, 0, 0, "", True)
request = tuple(MapRequest(layer, 0, 64) for layer in range(len(reader.layers)))
maps = reader.read(prepared[0].pixels, reader.layers)
seen = Observation(Frame(jpegs[0], 1, "frame.jpg", 0.0, 0.0), prepared[0], predictions, None, False, (), maps, 0.0, 0.0)
count(lambda: prepare(jpegs[0]))
count(lambda: classifier.rank(next(images), 5))
reader.read(prepared[0].pixels, reader.layers)
count(lambda: reader.read(prepared[0].pixels, reader.layers))
count(lambda: FrameMessages(seen, status, reader.layers, 0).message(request))
"""


def main() -> None:
    """Build the boards, count, print a table in millions."""
    with boards() as (lab, wheel, folder):
        paths = [folder / f"{index}.jpg" for index in range(2)]
        for index, path in enumerate(paths):
            path.write_bytes(frame(index))
        print("millions of instructions:", ", ".join(PARTS))
        for board in BOARDS:
            lab.build([board], wheel)
            print(board, *(f"{count / 1e6:.2f}" for count in counted(lab, board, folder, THERE, *map(str, paths))))


if __name__ == "__main__":
    main()
