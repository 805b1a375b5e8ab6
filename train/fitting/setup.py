"""What is fitted to what, and on which processor: a request whose parts have all been found."""

import dataclasses
import functools
import hashlib
import importlib
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.pixels.dataset import Dataset
from edgecnn.run_directory import RunDirectory

from .. import architectures
from ..devices.data_parallel import Parallel
from ..devices.processor import Processor
from ..distillation import TeacherAnswers
from ..recipes import Recipe
from .checkpoint import hash_settings


@dataclass(frozen=True)
class TrainingSetup:
    """A training that can begin.

    Attributes:
        dataset: images and labels; its `input` says how images become a network's input.
        architecture: see `edgecnn.train.architectures.find_builder`.
        recipe: with the request's own numbers.
        seed: of weights, shuffling and dropout.
        processor: what trains.
        folder: the run directory.
        parallel: the devices and processes that take part.
        resume: whether to go on from the checkpoint in `folder`.
        teacher_answers: what a teacher says of the training split.
        class_weights: float32 (classes,).
        weights: what the network starts from: `imagenet`, a file, or None for weights at random.
        freeze: how many layers keep their pretrained weights, or all but the last; None for the recipe's share.
    """

    dataset: Dataset
    architecture: str
    recipe: Recipe
    seed: int
    processor: Processor
    folder: RunDirectory
    parallel: Parallel = field(default_factory=Parallel)
    resume: bool = False
    teacher_answers: TeacherAnswers | None = None
    class_weights: npt.NDArray[np.float32] | None = None
    weights: str | None = None
    freeze: int | Literal["all"] | None = None

    @property
    def bfloat16(self) -> bool:
        """Whether to compute in bfloat16."""
        return self.recipe.bfloat16 and self.processor.bfloat16

    @functools.cached_property
    def identity(self) -> str:
        """What a checkpoint must be of to go on with; of the files as they are when it is first asked for."""
        recipe = dataclasses.asdict(self.recipe)
        recipe["sixteen_bit"] = recipe.pop("bfloat16")  # as checkpoints of 0.1.0 call it
        if recipe["frozen"] is None:
            del recipe["frozen"]  # checkpoints of 0.1.0 know of none
        if recipe["first_layer"] == 1:
            del recipe["first_layer"]
        transfer = {"weights": _content(self.weights), "freeze": self.freeze} if self.weights else {}
        answers, backend = self.teacher_answers, keras.backend.backend()
        return hash_settings(
            dataset=self.dataset.sha256,
            images=(len(self.dataset.train), len(self.dataset.test)),
            spec=dataclasses.asdict(self.dataset.input),
            architecture=self.architecture,
            recipe=recipe,
            seed=self.seed,
            sixteen_bit=self.bfloat16,
            teacher=None if answers is None else np.round(answers.plain.mean(axis=0), 4).tolist(),
            weighted=self.class_weights is not None,
            file=architectures.source_sha256(self.architecture),
            # The processes of a job may run on different machines, and only one writes.
            hardware=self.processor.description if self.parallel.processes == 1 else "job",
            versions=(version("keras"), backend, importlib.import_module(backend).__version__),
            **transfer,
        )

    def build_network(self, policy: str) -> keras.Model:
        """The bare network, with Keras' dtype policy `policy`."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return architectures.build_network(self.architecture, self.dataset.input.shape, len(self.dataset.labels))
        finally:
            keras.config.set_dtype_policy(before)


def _content(weights: str) -> str:
    """What tells pretrained weights from others: the SHA-256 of a file."""
    file = Path(weights)
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else weights


def balance_classes(dataset: Dataset) -> npt.NDArray[np.float32]:
    """Weights that give every class the same say: images / (classes * images of the class)."""
    counts = dataset.train.count_classes(len(dataset.labels)).clip(min=1)
    return (len(dataset.train) / (len(dataset.labels) * counts)).astype(np.float32)
