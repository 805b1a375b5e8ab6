"""Runs edgecnn's child process with a model that takes its time: slow_processor.py SECONDS,... -I CHILD ARGUMENT...

Stands in the place of Python where a test wants a slow processor. The last number is that of all further images; one
below 0 ends the process.
"""

import os
import runpy
import sys
import time

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.runner import Runner


def main() -> None:
    seconds, run = [float(each) for each in sys.argv[1].split(",")], Runner.run

    def slowly(self: Runner, tensor: npt.NDArray[np.generic]) -> None:
        wait = seconds.pop(0) if len(seconds) > 1 else seconds[0]
        if wait < 0:
            os._exit(3)
        time.sleep(wait)
        run(self, tensor)

    Runner.run = slowly  # type: ignore[method-assign]
    del sys.argv[:3]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
