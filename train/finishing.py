"""What follows the last epoch: the saved model is evaluated, and the run directory gets the rest of its files."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edgecnn.atomic_files import together
from edgecnn.confidence import Answers
from edgecnn.metrics import evaluate_probabilities
from edgecnn.model_file.card import ModelCard, Training
from edgecnn.pixels.dataset import Dataset, Images

from . import run_report
from .history import write_history
from .prediction import batch_size, judge_scores, predict_images
from .report.answers import SplitAnswers, answer, answer_rest, measure_fit
from .run_report import TrainingRun

if TYPE_CHECKING:
    from .fitting.callback import Outcome
    from .fitting.setup import TrainingSetup

_BATCHES = 20  # of training images that the report looks at: no more than 10,000, however many there are


def finish(
    setup: "TrainingSetup",
    card: ModelCard,
    training: Training,
    outcome: "Outcome",
    other: Images | None,
    tell: Callable[[str], None],
) -> TrainingRun:
    """Evaluate what was saved last, and let the main process write the run's figures, pictures and report."""
    dataset = setup.dataset

    def predict(images: Images) -> npt.NDArray[np.float32]:
        return predict_images(outcome.model, images, dataset.input)

    test = answer("test", dataset.test, predict)
    evaluation = evaluate_probabilities(test.probabilities, dataset.test.labels)
    scored = Answers(test.probabilities, dataset.test.labels)
    judged = judge_scores(scored, predict, dataset, setup.recipe.validation_split, setup.seed, other)
    answers = [test]
    with _kept(tell, "report.html is of the test images only"):
        most = _BATCHES * batch_size(outcome.model)
        answers += answer_rest(dataset, predict, most, held_share=setup.recipe.validation_split, seed=setup.seed)
    training = dataclasses.replace(
        training,
        epochs=outcome.saved_epoch,
        test_images=evaluation.images,
        test_accuracy=evaluation.accuracy,
        test_loss=evaluation.loss,
    )
    run = TrainingRun(
        path=setup.folder.path,
        card=dataclasses.replace(card, training=training, confidence=judged.confidence),
        evaluation=evaluation,
        history=tuple(outcome.history),
        device=setup.processor.description,
        interrupted=outcome.interrupted,
        process=setup.parallel.process,
        answers=scored,
        doubt=judged.doubt,
        fit=measure_fit(answers),
    )
    if setup.parallel.is_main:
        _write_files(run)
        with _kept(tell, "no report.html"):
            _write_report(run, dataset, answers)
    return run


def _write_files(run: TrainingRun) -> None:
    from .plots import draw_training

    with together():
        run.card.save(run.folder.card)
        write_history(run.folder.history, run.history)
        run_report.write_metrics(run)
        draw_training(run)
    if not run.interrupted:
        run.folder.checkpoint.unlink(missing_ok=True)


def _write_report(run: TrainingRun, dataset: Dataset, answers: Sequence[SplitAnswers]) -> None:
    from .report.page import write_training_report

    write_training_report(run.folder.report, run, dataset, answers)


@contextlib.contextmanager
def _kept(tell: Callable[[str], None], lost: str) -> Iterator[None]:
    """Say what went wrong in the block instead of failing: the network is trained, and its report can be had later."""
    try:
        yield
    except Exception as error:  # whatever it is, the training is worth more
        tell(f"{lost} ({type(error).__name__}: {error}); edgecnn report writes it from the run and its data")
