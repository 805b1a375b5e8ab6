"""Pictures of a training: its curves and its confusion matrix."""

import math
import textwrap

from matplotlib.figure import Figure

from edgecnn.figure_style import plain_style, save_figure

from .curves import NAMES, Colours, draw_curve
from .run_report import TrainingRun

_MOST = 40  # classes that a picture has room for: it grows with their square, and with it the memory that it takes
_LONG = 30  # letters of a class's name; more would leave the matrix no room
_LINE = 90  # letters that are as wide as the two curves


def draw_training(run: TrainingRun) -> None:
    """Draw history.png and confusion.png into the run directory.

    Raises:
        OutputError: they cannot be written.
    """
    with plain_style():
        _draw_history(run)
        _draw_confusion(run)


def _draw_history(run: TrainingRun) -> None:
    """Draw history.png: training loss and accuracy by epoch, and the test figures of the saved model."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    training = run.card.training
    title = f"{training.architecture}, recipe {training.recipe}, seed {training.seed}" if training else run.card.name
    figure.suptitle(textwrap.fill(title, _LINE))
    figure.text(0.5, -0.02, textwrap.fill(run.verdict, _LINE), ha="center", va="top")
    for axes, name in zip(figure.subplots(1, 2), NAMES, strict=True):
        draw_curve(axes, run, name, Colours())
        axes.grid(alpha=0.3)
    save_figure(figure, run.folder.history_picture)


def _draw_confusion(run: TrainingRun) -> None:
    """Draw confusion.png: images by true (row) and predicted (column) class, coloured by share of the row.

    Of many classes some are named, and no numbers stand in the cells.
    """
    confusion, labels = run.evaluation.confusion, run.card.labels
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    side = 2.5 + 0.55 * min(len(labels), _MOST)
    figure = Figure(figsize=(side + 0.5, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    named = range(0, len(labels), math.ceil(len(labels) / _MOST))
    names = [_shortened(labels[index]) for index in named]
    axes.set_xticks(named, names, rotation=45, ha="right")
    axes.set_yticks(named, names)
    axes.set(xlabel="predicted", ylabel="true", title=f"test accuracy {run.evaluation.accuracy:.2%}")
    for row, column in zip(*confusion.nonzero(), strict=True) if len(labels) <= _MOST else ():
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour, fontsize=8)
    save_figure(figure, run.folder.confusion_picture)


def _shortened(name: str) -> str:
    """The beginning and the end of a long name: either may be what tells it from others."""
    return name if len(name) <= _LONG else f"{name[: _LONG // 2]}…{name[-_LONG // 2 + 1 :]}"
