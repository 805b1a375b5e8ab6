"""Train with everything that a checkpoint must hold, or go on where there is one: `python -m ... DIR`."""

import dataclasses
import sys
from pathlib import Path

from edgecnn.train import load_fashion_mnist, train
from tests.support.trainings import EVERYTHING, SEED

data = load_fashion_mnist()
tiny = dataclasses.replace(data, train=data.train.take(1500), test=data.test.take(200))
resume = Path(sys.argv[1], "checkpoint.npz").exists()
train(sys.argv[1], tiny, recipe=EVERYTHING, seed=SEED, resume=resume, force=True)
