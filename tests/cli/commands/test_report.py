"""edgecnn report, and the report that edgecnn train leaves."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from edgecnn import ModelCard
from edgecnn.model_file.confidence import Confidence
from edgecnn.train import Epoch, load_dataset, train
from edgecnn.train.progress import Silent
from tests.support.command_line import Run


@pytest.fixture(scope="module")
def trained(few: Path, edgecnn: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch on 300 of the training images."""
    pytest.importorskip("tensorflow")
    path = tmp_path_factory.mktemp("trained") / "run"
    said = edgecnn("train", "--data", few, "--epochs", "1", "--train-images", "300", "-o", path)
    assert said.exit_code == 0 and "report.html" in said.stdout, said.output
    return path


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


def test_a_report_is_written_anew_as_the_training_wrote_it(run: Path, few: Path, edgecnn: Run) -> None:
    before = (run / "report.html").read_text()
    (run / "report.html").unlink()
    said = edgecnn("report", run, "--data", few)
    assert said.exit_code == 0 and f"wrote {run / 'report.html'}" in said.stdout, said.output
    after = (run / "report.html").read_text()
    # A few probabilities may round otherwise: a network that was loaded, and other batches.
    assert len(after) == pytest.approx(len(before), rel=0.05)
    assert "300 training and 200 test images" in before and "300 training and 200 test images" in after
    assert after.count("<h2>") == before.count("<h2>") == 8


def test_scores_are_those_that_a_device_tells(run: Path, few: Path, edgecnn: Run) -> None:
    from edgecnn.convert import KerasModel

    card = ModelCard.load(run / "card.json")
    scaled = Confidence(4.0, "test", images=200, error_before=0.2, error_after=0.1)
    dataclasses.replace(card, confidence=scaled).save(run / "card.json")
    dataset = load_dataset(few)
    scores = KerasModel(run / "model.keras").predict_all(dataset.test.images).max(axis=1)
    wrong = KerasModel(run / "model.keras").predict_all(dataset.test.images).argmax(axis=1) != dataset.test.labels
    loss = json.loads((run / "metrics.json").read_text())["loss"]
    assert edgecnn("report", run, "--data", few, "--force").exit_code == 0
    page = (run / "report.html").read_text()
    assert f"Its scores are {scores.mean():.2%} on average".replace("%", " %") in page
    assert f" {scores[wrong].max():.1%}<br>is " in page.split("<h2>Mistakes that it is surest of</h2>")[1]
    assert f"loss {loss:.4f}." in page  # the network's own, as the training tells it


def test_a_training_that_was_killed_is_told_before_its_figures(run: Path, few: Path, edgecnn: Run) -> None:
    card = ModelCard.load(run / "card.json")
    assert card.training
    killed = dataclasses.replace(card.training, test_images=0, test_accuracy=None, test_loss=None)
    dataclasses.replace(card, training=killed).save(run / "card.json")
    for name in ("history.csv", "metrics.json", "report.html"):  # which only the end writes
        (run / name).unlink()
    said = edgecnn("report", run, "--data", few)
    assert said.exit_code == 1 and "is not finished; edgecnn train --resume goes on with it" in said.stderr
    model = run / "model.keras"
    for arguments in (("evaluate", model), ("compare", run, run)):
        told = edgecnn(*arguments, "--data", few)
        assert (
            told.exit_code == 0 and f"warning: the training of {model} is not finished: this is epoch 1" in told.stderr
        )
        assert told.stderr.count("is not finished") == 1


def test_a_report_is_kept_unless_forced(run: Path, few: Path, edgecnn: Run) -> None:
    said = edgecnn("report", run, "--data", few)
    assert said.exit_code == 1 and "add --force" in said.stderr
    assert edgecnn("report", run, "--data", few, "--output", run / "other.html").exit_code == 0
    assert (run / "other.html").read_text().startswith("<!doctype html>")


def test_what_has_no_training_or_other_data_is_a_sentence(run: Path, few: Path, edgecnn: Run, tmp_path: Path) -> None:
    for arguments, words in (
        ((run, "--force"), "was trained on"),
        ((tmp_path / "nothing", "--data", few), "is not a run directory"),
    ):
        said = edgecnn("report", *arguments)
        assert said.exit_code == 1 and words in said.stderr and "Traceback" not in said.output


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("history.csv", "epoch,loss\n1,0.5\n"),
        ("history.csv", ""),
        ("history.csv", "epoch,loss,accuracy,learning_rate,seconds,target\n1,0.5,0.5,0.1,1,labels\n"),
        (
            "history.csv",
            "epoch,loss,accuracy,learning_rate,seconds,validation_loss,validation_accuracy,target\n1,1,1,1,1,,,dogs\n",
        ),
        ("metrics.json", "{}"),
        ("metrics.json", "[]"),
        ("metrics.json", '{"confusion_matrix": [[1]]}'),
    ],
)
def test_damaged_figures_are_a_sentence(name: str, content: str, run: Path, few: Path, edgecnn: Run) -> None:
    (run / name).write_text(content)
    said = edgecnn("report", run, "--data", few, "--force")
    assert said.exit_code == 1 and "history.csv and metrics.json" in said.stderr and "Traceback" not in said.output


@pytest.mark.parametrize("name", ["history.csv", "metrics.json"])
def test_a_run_that_no_training_left_is_told_what_helps(name: str, run: Path, few: Path, edgecnn: Run) -> None:
    (run / name).unlink()
    said = edgecnn("report", run, "--data", few, "--force")
    assert said.exit_code == 1 and f"has no {name}" in said.stderr
    assert edgecnn("evaluate", run / "model.keras", "--data", few).exit_code == 0  # what is advised


class InTheWay(Silent):
    """Puts a folder where the report is to be written, and hears what is told."""

    def __init__(self, report: Path) -> None:
        self.report, self.told = report, ""

    def finish_epoch(self, epoch: Epoch) -> None:
        self.report.mkdir()

    def tell(self, message: str) -> None:
        self.told += message


def test_a_report_that_cannot_be_written_loses_no_training(few: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    listener = InTheWay(tmp_path / "run" / "report.html")
    dataset = load_dataset(few)
    run = train(tmp_path / "run", dataset, epochs=1, progress=listener)
    assert "no report.html" in listener.told and "edgecnn report" in listener.told
    assert json.loads(run.folder.metrics.read_text())["accuracy"] == run.evaluation.accuracy
    assert run.model_path.is_file() and run.folder.confusion_picture.is_file() and not run.folder.checkpoint.exists()
