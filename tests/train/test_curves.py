"""The curves of a training are its history's figures, and the saved model's beside them."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from edgecnn.metrics import Evaluation
from edgecnn.model_file.card import ModelCard, Quantization
from edgecnn.model_file.provenance import stamp
from edgecnn.train import Epoch, TrainingRun, input_for
from edgecnn.train.curves import NAMES, Colours, draw_curve

CARD = ModelCard("c", ("ant", "bee"), input_for(2, 2, "grayscale", "pad"), Quantization("float32"), stamp())
VALIDATED = (
    Epoch(1, loss=0.9, accuracy=0.5, learning_rate=1e-3, seconds=1.0, validation_loss=0.8, validation_accuracy=0.6),
    Epoch(2, loss=0.4, accuracy=0.7, learning_rate=1e-3, seconds=1.0, validation_loss=0.7, validation_accuracy=0.65),
)
MIXED = (
    Epoch(1, loss=2.0, accuracy=0.3, learning_rate=1e-3, seconds=1.0, target="mixtures"),
    Epoch(2, loss=1.5, accuracy=0.8, learning_rate=1e-3, seconds=1.0, target="teacher"),
    Epoch(3, loss=1.2, accuracy=0.4, learning_rate=1e-3, seconds=1.0, target="mixtures"),
    Epoch(4, loss=1.0, accuracy=0.9, learning_rate=1e-3, seconds=1.0, target="teacher"),
)


def drawn(history: tuple[Epoch, ...], name: str) -> tuple[Axes, dict[str, list[tuple[float, float]]]]:
    """The points of every line by its label; the saved model was right with 3 of 4 test images, its loss is 0.625."""
    run = TrainingRun(Path("run"), CARD, Evaluation(4, 0.75, 0.625, np.array([[2, 1], [0, 1]])), history, "CPU", False)
    axes = Figure().subplots()
    draw_curve(axes, run, name, Colours())
    legend = axes.get_legend()
    assert legend is not None
    lines = {str(line.get_label()): [(x, y) for x, y in np.asarray(line.get_xydata()).tolist()] for line in axes.lines}
    assert [text.get_text() for text in legend.get_texts()] == list(lines)
    return axes, lines


@pytest.mark.parametrize(("name", "test"), [("loss", "0.625"), ("accuracy", "75.00%")])
def test_training_and_validation_are_a_curve_each_and_the_saved_model_a_level(name: str, test: str) -> None:
    axes, lines = drawn(VALIDATED, name)
    level = 0.625 if name == "loss" else 0.75
    assert lines == {
        "training": [(1, 0.9), (2, 0.4)] if name == "loss" else [(1, 0.5), (2, 0.7)],
        "validation": [(1, 0.8), (2, 0.7)] if name == "loss" else [(1, 0.6), (2, 0.65)],
        f"test, saved model: {test}": [(0, level), (1, level)],  # from edge to edge
    }
    assert axes.get_ylabel() == name


@pytest.mark.parametrize("name", NAMES)
def test_mixtures_are_a_curve_of_their_own_and_a_teachers_loss_has_no_level(name: str) -> None:
    axes, lines = drawn(MIXED, name)
    assert [x for x, _ in lines["training, mixtures of two images"]] == [1, 3]
    assert [x for x, _ in lines["training"]] == [2, 4] and "validation" not in lines
    has_level = any(label.startswith("test") for label in lines)
    assert (has_level, axes.get_ylabel()) == ((False, "loss towards the teacher") if name == "loss" else (True, name))
