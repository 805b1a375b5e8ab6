"""The run directory: what a training leaves behind."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.atomic_files import claimed, remove_what_kills_left, write_bytes
from edgecnn.confidence import Answers
from edgecnn.errors import ModelFileError, OutputError
from edgecnn.metrics import Evaluation
from edgecnn.min_score import risk_coverage
from edgecnn.model_file.card import ModelCard
from edgecnn.run_directory import RunDirectory
from edgecnn.temperature import reliability

from .history import Epoch, read_history
from .overfitting import Fit


@dataclass(frozen=True)
class TrainingRun:
    """A finished or interrupted training.

    Attributes:
        path: the run directory.
        card: what card.json holds.
        evaluation: of the saved model on the test split.
        history: one entry an epoch.
        device: what it was trained on.
        interrupted: whether Ctrl-C ended it; the saved model is then the best finished epoch.
        process: this one's number in a job; only number 0 has written `path`.
        answers: what the saved model says of the test split; None where nobody asked it.
        doubt: why the card does not say what its scores are worth, in words; empty where it does.
        fit: how well the saved model knows its training images, and others; None where nobody asked it.
    """

    path: Path
    card: ModelCard
    evaluation: Evaluation
    history: tuple[Epoch, ...]
    device: str
    interrupted: bool
    process: int = 0
    answers: Answers | None = None
    doubt: str = ""
    fit: Fit | None = None

    @property
    def verdict(self) -> str:
        """One line that says whether the saved model knows its training images, and better than others."""
        if self.fit is None:
            return "was not asked about its training images: it may overfit or not"
        return self.fit.verdict(self.card.training.recipe if self.card.training else "")

    @property
    def model_path(self) -> Path:
        """model.keras in the run directory."""
        return self.folder.model

    @property
    def folder(self) -> RunDirectory:
        """The run directory."""
        return RunDirectory(self.path)


def check_free(folder: RunDirectory, force: bool) -> None:
    """Make sure that `folder` may become a run directory.

    Raises:
        OutputError: it holds a run already, or what a training removes as left by one, and `force` is false.
    """
    replaced = (*folder.training_files, folder.checkpoint, *folder.conversion_files(), folder.tensorboard)
    existing = [path.name for path in replaced if path.exists()]
    if existing and not force:
        more = "go on with --resume, " if folder.checkpoint.exists() else ""
        raise OutputError(
            f"{folder.path} holds a run already ({existing[0]}); {more}choose another --output or add --force"
        )


@contextlib.contextmanager
def claimed_folder(folder: RunDirectory, force: bool) -> Iterator[None]:
    """Create the run directory, and keep it for one training; if that leaves nothing there, it goes again.

    Raises:
        OutputError: it holds a run already and `force` is false, another training writes it, or it cannot be created.
    """
    created = _prepare_folder(folder, force)
    try:
        with claimed([folder.model], force=True):
            check_free(folder, force)  # another training may have ended meanwhile
            for path in (*folder.training_files, folder.checkpoint):
                remove_what_kills_left(path)
            yield
    finally:
        for path in created:
            _remove_if_empty(path)


def _prepare_folder(folder: RunDirectory, force: bool) -> list[Path]:
    """Create the run directory, and make sure that files can be written there.

    Returns:
        The folders that were created, the innermost first.
    """
    check_free(folder, force)
    path = folder.path
    created = [one for one in (path, *path.parents) if not one.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        raise OutputError(f"cannot use {path} as run directory: {error.strerror}; choose another --output") from None
    return created


def remove_previous(folder: RunDirectory, is_resumed: bool = False) -> None:
    """Remove what an earlier training and its conversions left, but for model.keras, which is about to be replaced.

    Args:
        folder: the run directory.
        is_resumed: whether it is the same training that went on: then what TensorBoard shows of it stays.
    """
    for old in [*folder.training_files, *folder.conversion_files()]:
        if old != folder.model:
            old.unlink(missing_ok=True)
    if not is_resumed:
        shutil.rmtree(folder.tensorboard, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it is not empty: another training may write there
        folder.rmdir()


def read_run(folder: RunDirectory) -> TrainingRun:
    """A finished training from its files.

    Raises:
        ModelFileError: a file is missing or damaged, or the training is not finished.
    """
    card = folder.read_card()
    if card.training and not card.training.is_finished:
        raise ModelFileError(f"the training in {folder.path} is not finished; edgecnn train --resume goes on with it")
    try:
        history = read_history(folder.history)
        metrics = json.loads(folder.metrics.read_text(encoding="utf-8"))
        confusion = np.asarray(metrics["confusion_matrix"], np.int64).reshape(len(card.labels), len(card.labels))
        evaluation = Evaluation(metrics["images"], metrics["accuracy"], metrics["loss"], confusion)
        device, interrupted = str(metrics["device"]), bool(metrics["interrupted"])
    except FileNotFoundError as error:
        raise ModelFileError(
            f"{folder.path} has no {Path(str(error.filename)).name}, which edgecnn train leaves there; of a network "
            f"that was trained elsewhere, edgecnn evaluate {folder.model} tells the mistakes"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"{folder.path}: history.csv and metrics.json of the training are not there as edgecnn train wrote them "
            f"({type(error).__name__}: {error}); train again"
        ) from None
    return TrainingRun(folder.path, card, evaluation, history, device, interrupted)


def write_metrics(run: TrainingRun) -> None:
    """Write metrics.json: accuracy, loss and confusion matrix on the test split, and what produced them."""
    evaluation = run.evaluation
    data = {
        "accuracy": evaluation.accuracy,
        "loss": evaluation.loss,
        "images": evaluation.images,
        "labels": list(run.card.labels),
        "confusion_matrix": evaluation.confusion.tolist(),
        "epochs": len(run.history),
        "seconds": round(sum(epoch.seconds for epoch in run.history), 1),
        "device": run.device,
        "interrupted": run.interrupted,
        "verdict": run.verdict,
        "confidence": asdict(run.card.confidence) if run.card.confidence else None,
        **_score_figures(run),
    }
    write_bytes(run.folder.metrics, (json.dumps(data, indent=2) + "\n").encode())


def _score_figures(run: TrainingRun) -> dict[str, Any]:
    """On the test split: what a lowest score costs and gives, and the bins of the calibration error."""
    if run.answers is None or run.card.confidence is None:
        return {"risk_coverage": [], "reliability_before": [], "reliability_after": []}
    answers, scores = run.answers, run.answers.best(run.card.confidence.temperature)
    return {
        "risk_coverage": [asdict(point) for point in risk_coverage(scores, answers.right)],
        "reliability_before": _bins(answers.best(), answers.right),
        "reliability_after": _bins(scores, answers.right),
    }


def _bins(scores: npt.NDArray[np.float64], right: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    names = ("images", "score", "accuracy")
    return [dict(zip(names, row, strict=True)) for row in reliability(scores, right)]
