"""The run directory: what a training leaves behind, what conversions add, and where each of these files lies."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import require_path
from .errors import ModelFileError
from .model_file.card import ModelCard
from .model_file.other_formats import describe_file, is_saved_model
from .model_file.schemes import SCHEMES
from .printable import printable

if TYPE_CHECKING:
    from .pixels.dataset import Dataset

MODEL = "model.keras"
CARD = "card.json"
HISTORY = "history.csv"
HISTORY_PICTURE = "history.png"
METRICS = "metrics.json"
CONFUSION_PICTURE = "confusion.png"
REPORT = "report.html"
REPORTS = ("html", "json")  # kinds of a parity report
# What a finished training leaves, in the order in which it is told.
TRAINING_FILES = (MODEL, CARD, HISTORY, HISTORY_PICTURE, METRICS, CONFUSION_PICTURE, REPORT)


@dataclass(frozen=True)
class RunDirectory:
    """A folder with a trained network; none of its files need exist.

    Attributes:
        path: the folder.
    """

    path: Path

    @classmethod
    def of(cls, run: str | Path) -> "RunDirectory":
        """The run directory that `run` names, itself or by its model.keras.

        Raises:
            InputError: `run` is no path.
        """
        path = require_path(run, "a run directory")
        return cls(path.parent if path.name == MODEL else path)

    @property
    def model(self) -> Path:
        """The Keras model."""
        return self.path / MODEL

    @property
    def card(self) -> Path:
        """Its card: labels, input, provenance."""
        return self.path / CARD

    @property
    def history(self) -> Path:
        """One row an epoch."""
        return self.path / HISTORY

    @property
    def history_picture(self) -> Path:
        """Loss and accuracy by epoch."""
        return self.path / HISTORY_PICTURE

    @property
    def metrics(self) -> Path:
        """Figures on the test split, and what produced them."""
        return self.path / METRICS

    @property
    def confusion_picture(self) -> Path:
        """The confusion matrix of the test split."""
        return self.path / CONFUSION_PICTURE

    @property
    def report(self) -> Path:
        """The training on one page."""
        return self.path / REPORT

    @property
    def training_files(self) -> tuple[Path, ...]:
        """What a finished training leaves; see `TRAINING_FILES`."""
        return tuple(self.path / name for name in TRAINING_FILES)

    @property
    def checkpoint(self) -> Path:
        """What an interrupted training goes on from; a finished one has none."""
        return self.path / "checkpoint.npz"

    @property
    def kept(self) -> Path:
        """The folder of what conversions need again; it can be deleted."""
        return self.path / "cache"

    @property
    def tensorboard(self) -> Path:
        """The folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def teacher(self) -> "RunDirectory":
        """The run of the network that taught this one."""
        return RunDirectory(self.path / "teacher")

    def tflite(self, scheme: str, activations: bool = False) -> Path:
        """The converted model of `scheme`, or its activations variant."""
        return self.path / f"model.{scheme}{'.activations' if activations else ''}.tflite"

    def tuning_record(self, scheme: str) -> Path:
        """What a tuned model of `scheme` was exported from; there is none of one that was not tuned."""
        return self.path / f"model.{scheme}.tuned.npz"

    def conversion_files(self) -> list[Path]:
        """What conversions of the network have written there, and what the parity ladder has said of it."""
        others = (
            path
            for scheme in SCHEMES
            for path in (self.tuning_record(scheme), *(self.parity_report(scheme, suffix) for suffix in REPORTS))
        )
        return [*sorted(self.path.glob("model.*.tflite")), *(path for path in others if path.exists())]

    def parity_report(self, scheme: str, suffix: str) -> Path:
        """The parity report of `scheme`: `suffix` is html or json."""
        return self.path / f"parity.{scheme}.{suffix}"

    def require(self) -> "RunDirectory":
        """Make sure that there is a model.

        Returns:
            itself.

        Raises:
            ModelFileError: there is none.
        """
        if other := describe_file(self.path):
            raise ModelFileError(f"{self.path} {other}")
        if self.path.suffix == ".tflite":
            raise ModelFileError(
                f"{self.path} is a .tflite file; give the run directory or the .keras file that it was made of"
            )
        if self.path.is_file() or is_saved_model(self.path):
            raise ModelFileError(
                f"{self.path} is no run directory; of a Keras model that was trained elsewhere edgecnn convert makes "
                "one, with --labels and --representative"
            )
        if not self.model.is_file():
            raise ModelFileError(f"{self.path} is not a run directory (no {MODEL} there); make one with edgecnn train")
        return self

    def read_card(self, dataset: "Dataset | None" = None) -> ModelCard:
        """The card, if `dataset` is what the run was trained on; any will do where none is given.

        Raises:
            ModelFileError: no run there, an invalid card, or another data set.
        """
        card = ModelCard.load(self.require().card)
        if dataset is None:
            return card
        if card.training and card.training.dataset_sha256 != dataset.sha256:
            if card.training.dataset == printable(dataset.name):
                raise ModelFileError(
                    f"{dataset.source} is not as {self.path} was trained on it: images were added, removed, renamed or "
                    "changed since, so put them back, or train again; or a program of yours prepares them otherwise, "
                    "so load them with the input of the card"
                )
            raise ModelFileError(
                f"{self.path} was trained on {card.training.dataset} with SHA-256 "
                f"{card.training.dataset_sha256[:12]}…, the data set here has {dataset.sha256[:12]}…; give the one it "
                "was trained on (--data)"
            )
        if card.labels != dataset.labels:
            raise ModelFileError(
                f"{self.path}: the card's labels are not the data set's; give the one it was trained on (--data)"
            )
        return card
