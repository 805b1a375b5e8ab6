"""A training's report as one HTML file."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from edgecnn.atomic_files import write_bytes
from edgecnn.confidence import best_scores
from edgecnn.html_page import Cell, page, percent, table, text
from edgecnn.metrics import ClassFigures, class_figures, mean_of_known, most_confused
from edgecnn.pixels.dataset import Dataset
from edgecnn.temperature import BINS, calibration_error, reliability
from edgecnn.wilson import wilson_interval

from ..run_report import TrainingRun
from . import charts, pictures
from .answers import SplitAnswers

# By whether it overfits, or has learned nothing.
_KINDS = {True: "finding broken", False: "finding", None: "finding open"}
_MATRIX = 30  # classes; of more, the matrix is a wall


def to_html(run: TrainingRun, dataset: Dataset, answers: Sequence[SplitAnswers]) -> str:
    """The page.

    Args:
        run: what was trained.
        dataset: what on; its class names are those of the card.
        answers: what the saved model says of the test images, and then of others. The page has the scores that a device
            tells, with the card's temperature.
    """
    found = run.card.confidence
    answers = [one.calibrated(found.temperature if found else 1.0) for one in answers]
    test, title = answers[0], f"Training of {run.card.name}"
    parts = [
        f"<h1>{text(title)}</h1>", *_summary(run, dataset),
        "<h2>Curves</h2>", *charts.curves(run),
        "<h2>Classes</h2>", _classes(run),
        "<h2>Confusion matrix of the test images</h2>", _confusion(run),
        "<h2>Mistakes that it is surest of</h2>", pictures.mistakes(test, dataset.labels),
        "<h2>Images that look mislabelled</h2>",
        "<p>Where the network is surer of another class than it usually is of images with that label (confident "
        "learning: Northcutt, Jiang and Chuang, JAIR 70, 2021). It may be the network that is wrong, the "
        "more often the more mistakes it makes: look before you change a label.</p>",
        *(pictures.mislabelled(one, dataset.labels) for one in answers),
        "<h2>Duplicates across splits</h2>", pictures.duplicates(dataset),
        "<h2>Calibration</h2>", _calibration(run, test),
        "<h2>The data set at a glance</h2>", pictures.glance(dataset),
    ]  # fmt: skip
    return page(title, parts)


def write_training_report(path: Path, run: TrainingRun, dataset: Dataset, answers: Sequence[SplitAnswers]) -> None:
    """Write the page to `path`, whole or not at all; see `to_html`.

    Raises:
        OutputError: it cannot be written.
    """
    write_bytes(path, to_html(run, dataset, answers).encode())


def _summary(run: TrainingRun, dataset: Dataset) -> Iterator[str]:
    evaluation = run.evaluation
    low, high = wilson_interval(round(evaluation.accuracy * evaluation.images), evaluation.images)
    yield (
        f"<p><strong>{percent(evaluation.accuracy)} of {evaluation.images:,} test images right</strong> "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f}), loss {evaluation.loss:.4f}.</p>"
    )
    kind = _KINDS[None if run.fit is None else True if run.fit.has_learned is False else run.fit.overfits]
    yield f'<p class="{kind}">It {text(run.verdict)}.</p>'
    training = run.card.training
    facts = [("data set", f"{dataset.name}, {len(dataset.train):,} training and {len(dataset.test):,} test images")]
    if training:
        facts += [("network", training.architecture), ("recipe", training.recipe), ("seed", str(training.seed))]
        facts.append(("epochs", f"{len(run.history)}, the saved one is {training.epochs}"))
    seconds = sum(epoch.seconds for epoch in run.history)
    facts += [("trained on", run.device), ("seconds in epochs", f"{seconds:,.1f}")]
    if run.interrupted:
        facts.append(("ended", "by Ctrl-C"))
    yield table((), facts, "facts")


def _classes(run: TrainingRun) -> str:
    figures = class_figures(run.evaluation.confusion)
    rows = [
        [label, f"{one.images:,}", percent(one.precision), percent(one.recall), percent(one.f1)]
        for label, one in zip(run.card.labels, figures, strict=True)
    ]
    rows.append(_mean(figures))
    return table(("class", "test images", "precision", "recall", "F1"), rows) + (
        '<p class="note">Precision: share of the answers with this class that are right. Recall: share of the class\'s '
        "images that are. F1: their harmonic mean, 0 where the class is never answered with. Empty where there is "
        "nothing to count; the means are over the classes that have a figure.</p>"
    )


def _mean(figures: Sequence[ClassFigures]) -> list[str]:
    """The means over the classes, where each has the same say, and over how many where not all have a figure."""
    columns = ([one.precision for one in figures], [one.recall for one in figures], [one.f1 for one in figures])
    cells = []
    for mean, count in map(mean_of_known, columns):
        cells.append(percent(mean) + (f" (of {count:,})" if count < len(figures) else ""))
    return [f"mean of {len(figures):,} classes", f"{sum(one.images for one in figures):,}", *cells]


def _confusion(run: TrainingRun) -> str:
    labels, confusion = run.card.labels, run.evaluation.confusion
    confused = [
        (labels[true], labels[predicted], f"{count:,}")
        for true, predicted, count in most_confused(run.evaluation, count=10)
    ]
    most = "<h3>Most often confused</h3>" + table(("class", "taken for", "images"), confused) if confused else ""
    if len(labels) > _MATRIX:
        return most
    rows: list[list[str | Cell]] = []
    for label, counts in zip(labels, confusion, strict=True):
        cells = [Cell(str(count) if count else "", filled=count / max(1, counts.sum())) for count in counts]
        rows.append([label, *cells])
    return table(("class \\ answer", *labels), rows, "matrix") + most


def _calibration(run: TrainingRun, test: SplitAnswers) -> str:
    found, right = run.card.confidence, test.predicted == test.split.labels
    scores = best_scores(test.probabilities)
    mean, share = float(scores.mean()), float(right.mean())
    error = found.error_after if found else calibration_error(scores, right)
    words = (
        f"Its scores are {percent(mean)} on average, and {percent(share)} of its answers are right. Expected "
        f"calibration error {percent(error)}: how far scores and the share of right answers are apart, in {BINS} bins "
        "(Guo et al., ICML 2017)."
    )
    if found and found.temperature != 1:
        words += f" The temperature {found.temperature:.3g} brought it there from {percent(found.error_before)}."
    if found and found.min_score is not None and found.coverage is not None and found.error is not None:
        words += (
            f" With --min-score auto, {found.min_score:.4g}, {percent(found.coverage)} of the images are answered, "
            f"{percent(found.error)} of these wrongly; the others are called unknown."
        )
    return f"<p>{words}</p>" + charts.reliability_chart(reliability(scores, right))
