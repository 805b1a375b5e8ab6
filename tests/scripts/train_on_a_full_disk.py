"""Train three epochs into DIR; no file may grow beyond LIMIT bytes: DIR LIMIT [EPOCH].

From the second epoch on, or from EPOCH; with one, an earlier training there is replaced.
"""

import dataclasses
import resource
import sys

from edgecnn import EdgecnnError
from edgecnn.train import load_fashion_mnist, train
from tests.support.trainings import Listening

LIMIT = int(sys.argv[2])
EPOCH = int(sys.argv[3]) if len(sys.argv) > 3 else None


class Filling(Listening):
    """Fills the disk: the kernel refuses to write beyond the limit, as it does on a full one."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if epoch == (EPOCH or 2):
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))


data = load_fashion_mnist()
few = dataclasses.replace(data, train=data.train.take(300), test=data.test.take(100))
try:
    train(sys.argv[1], few, recipe="notebook", epochs=3, progress=Filling(), force=EPOCH is not None)
except (EdgecnnError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
