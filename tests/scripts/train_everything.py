"""Train with everything that a checkpoint must hold, and be killed: `python -m ... DIR SEED`.

Prints a line a step, and a line when an epoch has been saved. After a line of the second or third epoch by chance of
SEED, and up to a tenth of a second, it is killed as by `kill -9`: amid a step, or amid the writing of an epoch.
"""

import dataclasses
import os
import random
import signal
import sys
import threading

from edgecnn.train import Epoch, load_fashion_mnist, train
from tests.support.trainings import EVERYTHING, SEED, Listening


class Doomed(Listening):
    """Prints a line a step, and a line when an epoch has been saved; is killed after one of them."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = random.Random(seed)
        self._lines, self._wait = generator.randrange(2, 18), generator.uniform(0, 0.1)

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        self._print(epoch, step)

    def finish_epoch(self, epoch: Epoch) -> None:
        self._print(epoch.epoch, "saved")

    def _print(self, epoch: int, what: object) -> None:
        print(epoch, what, flush=True)
        self._lines -= epoch > 1
        if self._lines == 0:
            threading.Timer(self._wait, os.kill, (os.getpid(), signal.SIGKILL)).start()


data = load_fashion_mnist()
tiny = dataclasses.replace(data, train=data.train.take(600), test=data.test.take(200))
train(sys.argv[1], tiny, recipe=EVERYTHING, seed=SEED, progress=Doomed(int(sys.argv[2])))
