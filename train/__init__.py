"""Stage 1: build and train a Keras CNN.

    dataset = load_fashion_mnist()
    run = train("runs/shoes", dataset, recipe="fast")

Needs `pip install "edgecnn[train]"`; TensorFlow is imported when a training starts, not before.
"""

from edgecnn.pixels.dataset import Dataset, Split

from .data.fashion_mnist import load_fashion_mnist
from .data.image_folder import LabelSource
from .data.loading import InputChoice, input_for, load_dataset
from .history import Epoch
from .recipes import RECIPES, Recipe
from .request import TrainingRequest
from .run_report import TrainingRun
from .training import estimate, train

__all__ = [
    "RECIPES",
    "Dataset",
    "Epoch",
    "InputChoice",
    "LabelSource",
    "Recipe",
    "Split",
    "TrainingRequest",
    "TrainingRun",
    "estimate",
    "input_for",
    "load_dataset",
    "load_fashion_mnist",
    "train",
]
