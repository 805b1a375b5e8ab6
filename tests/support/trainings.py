"""What tests of trainings share: listeners that press Ctrl-C or remember, and the weights that a run saved."""

import dataclasses
import zipfile
from pathlib import Path

from edgecnn.train import RECIPES, Epoch, TrainingRun

# Everything at once that a resumed training must restore: augmentation, dropout, L2, a validation split, a first layer
# that has stopped learning.
EVERYTHING = dataclasses.replace(
    RECIPES["best"],
    epochs=5,
    batch_size=64,
    augment=("flip", "shift", "erase"),
    l2=1e-5,
    validation_split=0.1,
    first_layer=0.3,
)
SEED = 7


class Interrupting:
    """Presses Ctrl-C at a step of an epoch."""

    def __init__(self, epoch: int, step: int) -> None:
        self.at = (epoch, step)

    def tell(self, message: str) -> None:
        pass

    def start(self, device: str, parameters: int, steps: int, epochs: int, images: int) -> None:
        pass

    def step(self, epoch: int, step: int, loss: float, accuracy: float) -> None:
        if (epoch, step) == self.at:
            raise KeyboardInterrupt

    def finish_epoch(self, epoch: Epoch) -> None:
        pass


class Listening(Interrupting):
    """Never presses anything, and remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.heard: list[str] = []

    def tell(self, message: str) -> None:
        self.heard.append(message)


def weights(run: TrainingRun | Path) -> bytes:
    """The weights of a run, or of the run directory."""
    path = run.model_path if isinstance(run, TrainingRun) else run / "model.keras"
    with zipfile.ZipFile(path) as archive:
        return archive.read("model.weights.h5")
