"""Train three epochs into DIR; from the second on no file may grow beyond LIMIT bytes: DIR LIMIT."""

import dataclasses
import resource
import sys

from edgecnn import EdgecnnError
from edgecnn.train import load_fashion_mnist, train
from tests.support.trainings import Listening

LIMIT = int(sys.argv[2])


class Filling(Listening):
    """Fills the disk: the kernel refuses to write beyond the limit, as it does on a full one."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if epoch == 2:
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))


data = load_fashion_mnist()
few = dataclasses.replace(data, train=data.train.take(300), test=data.test.take(100))
try:
    train(sys.argv[1], few, recipe="notebook", epochs=3, progress=Filling())
except (EdgecnnError, OSError) as error:
    sys.exit(f"{type(error).__name__}: {error}")
