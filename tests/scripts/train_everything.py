"""Train with everything that a checkpoint must hold, or go on where there is one: `python -m ... DIR`.

Prints a line a step, and a line when an epoch has been saved.
"""

import dataclasses
import sys
from pathlib import Path

from edgecnn.train import Epoch, load_fashion_mnist, train
from tests.support.trainings import EVERYTHING, SEED, Listening


class Printing(Listening):
    """Prints a line a step, and a line when an epoch has been saved."""

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        print(epoch, step, flush=True)

    def finish_epoch(self, epoch: Epoch) -> None:
        print(epoch.epoch, "saved", flush=True)


data = load_fashion_mnist()
tiny = dataclasses.replace(data, train=data.train.take(600), test=data.test.take(200))
resume = Path(sys.argv[1], "checkpoint.npz").exists()
train(sys.argv[1], tiny, recipe=EVERYTHING, seed=SEED, resume=resume, force=True, progress=Printing())
