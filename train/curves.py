"""The curves of a training: loss and accuracy by epoch."""

from typing import NamedTuple

from matplotlib.axes import Axes

from edgecnn.figure_style import number_epochs

from .run_report import TrainingRun

NAMES = ("loss", "accuracy")


class Colours(NamedTuple):
    """What the curves are drawn in, as matplotlib understands it."""

    training: str = "tab:blue"
    validation: str = "tab:green"
    mixtures: str = "tab:purple"
    test: str = "tab:orange"


def draw_curve(axes: Axes, run: TrainingRun, name: str, colours: Colours) -> None:
    """Draw one of `NAMES` by epoch: of training and validation images, with that of the saved model on test images.

    Epochs of mixtures are a curve of their own. A loss towards a teacher is another quantity than that of the test
    images, so theirs is left out there.
    """
    mixed = [epoch for epoch in run.history if epoch.target == "mixtures"]
    plain = [epoch for epoch in run.history if epoch.target != "mixtures"]
    for epochs, colour, label in (
        (plain, colours.training, "training"),
        (mixed, colours.mixtures, "training, mixtures of two images"),
    ):
        if epochs:
            values = [getattr(epoch, name) for epoch in epochs]
            axes.plot([epoch.epoch for epoch in epochs], values, marker="o", markersize=3, color=colour, label=label)
    validation = [getattr(epoch, f"validation_{name}") for epoch in run.history]
    if None not in validation:
        numbers = [epoch.epoch for epoch in run.history]
        axes.plot(numbers, validation, marker="o", markersize=3, color=colours.validation, label="validation")
    axes.set_ylabel(name)
    if name == "loss" and run.history[-1].target != "labels":
        axes.set_ylabel("loss towards the teacher")
    else:
        test = getattr(run.evaluation, name)
        shown = f"{test:.2%}" if name == "accuracy" else f"{test:.3f}"
        axes.axhline(test, color=colours.test, linestyle="--", label=f"test, saved model: {shown}")
    number_epochs(axes, run.history[0].epoch, run.history[-1].epoch)
    axes.legend()
