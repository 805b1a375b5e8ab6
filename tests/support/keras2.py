"""Models that Keras 2 wrote, and what they answer there."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.support.foreign import save_pictures

SCRIPTS = Path(__file__).parents[1] / "scripts"
NETWORKS = (
    "sequential.h5", "hdf5.keras", "functional.keras", "nested_saved_model", "teachable.h5", "normalized.h5",
)  # fmt: skip
LABELS = ("rose", "leaf", "sky")


@dataclass(frozen=True)
class Keras2Models:
    """A folder with the files of `NETWORKS`, `labels.txt`, and photographs in class folders.

    Attributes:
        folder: of them.
        images: what tf-keras was asked: uint8 (count, 24, 24, 3), photographs too.
        answers: what it said, by file: probabilities (count, 3).
    """

    folder: Path
    images: np.ndarray
    answers: dict[str, np.ndarray]

    @property
    def photos(self) -> Path:
        """The photographs, in class folders, named by their row in `images`."""
        return self.folder / "photos"

    @property
    def labels(self) -> Path:
        """The class names, one a line."""
        return self.folder / "labels.txt"


def trained_by_keras2(folder: Path) -> Keras2Models:
    """Train and save the networks with tf-keras, in a process where `tf.keras` is Keras 2."""
    command = [sys.executable, str(SCRIPTS / "keras2_models.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    with np.load(folder / "answers.npz") as stored:
        images, answers = stored["images"], {name: stored[name] for name in stored.files if name != "images"}
    (folder / "labels.txt").write_text("\n".join(LABELS))
    for index, label in enumerate(LABELS):
        save_pictures(folder / "photos" / label, images[index :: len(LABELS)])
    return Keras2Models(folder, images, answers)
