"""The rungs of the ladder: models that run the same images, and how far each is from Keras."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgecnn.device.runtime.opening import open_session
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runner import Runner
from edgecnn.errors import ModelFileError
from edgecnn.free_memory import give_back_memory
from edgecnn.model_file.card import Parity
from edgecnn.model_file.container import PackedModel
from edgecnn.paired import PairedComparison
from edgecnn.pixels.dataset import Split
from edgecnn.pixels.input_spec import InputSpec

from ..pair import Pair
from .agreement import parity_of
from .answers import answer_all
from .keras_maps import KerasMaps, MapRun, noting_answers
from .layer_figures import LayerFigures
from .reference_kernels import ReferenceRun

Progress = Callable[[str], None]
# What answers: Keras, its conversion to float32, or the file that is compared: its weights in float arithmetic, then it
# itself on two kinds of kernels and on an accelerator.
RungKind = Literal["keras", "float32", "dequantized", "reference", "default", "delegate"]
_OF_THE_FILE: dict[RungKind, str] = {
    "dequantized": "dequantized weights, float arithmetic",
    "reference": "reference kernels",
    "default": "default kernels",
}
Array = npt.NDArray[np.floating]
_PLAINLY = RunOptions()
_AT_ONCE = 64_000_000  # bytes of models that are loaded side by side: what is more is worth another run of Keras


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes:
        kind: what answers.
        name: for people.
        parity: accuracy with its interval, and agreement with Keras.
        mcnemar_p: McNemar's exact test of equal accuracy against Keras, two-sided; 1 where no image tells them apart,
            None where nobody knows what the images show.
        max_difference: largest difference of a probability from Keras.
        layers: feature maps against Keras; empty for Keras itself.
        probabilities: float32 (images, classes).
    """

    kind: RungKind
    name: str
    parity: Parity
    mcnemar_p: float | None
    max_difference: float
    layers: tuple[LayerFigures, ...]
    probabilities: npt.NDArray[np.float32]

    @property
    def is_of_the_file(self) -> bool:
        """Whether what is compared with Keras answers, and not Keras or its conversion to float32."""
        return self.kind not in ("keras", "float32")


def name_of(kind: RungKind, scheme: str) -> str:
    """The name of a rung of a file of `scheme` that is run here."""
    return f"{scheme}, {_OF_THE_FILE[kind]}"


@dataclass(frozen=True)
class _Step:
    """A rung whose feature maps are yet to be compared.

    Attributes:
        kind: of the rung.
        name: of the rung.
        plain: the file that gives the answers.
        maps: what gives the feature maps.
        probabilities: float32 (images, classes); None where `open_plain` gives them after the comparison.
        open_plain: a session of `plain`.
        known: what its output is for images that were compared; see `answer_all`.
    """

    kind: RungKind
    name: str
    plain: PackedModel
    maps: MapRun
    probabilities: npt.NDArray[np.float32] | None
    open_plain: Callable[[], Runner] | None = None
    known: Mapping[bytes, npt.NDArray[Any]] = field(default_factory=dict)


class Climber:
    """Runs several models on the same images: their maps side by side, so that those of Keras need not be kept."""

    def __init__(self, keras: KerasMaps, test: Split, expected: npt.NDArray[np.float32], progress: Progress) -> None:
        """Say what models are compared with.

        Args:
            keras: its feature maps.
            test: whose images are answered.
            expected: Keras' probabilities of them, float32 (images, classes).
            progress: is told each step in words.
        """
        self._keras, self._test, self._expected, self._progress = keras, test, expected, progress
        self._steps: list[_Step] = []
        self._rungs: list[Rung] = []
        self._bytes = 0

    def add(
        self, kind: RungKind, name: str, files: Pair[PackedModel], spec: InputSpec, how: RunOptions = _PLAINLY
    ) -> None:
        """Run a model, which takes images prepared as `spec` says; without a variant it has maps itself."""
        self._progress(f"{name}: {len(self._test):,} images, and the feature maps of {len(self._keras)}")
        self._steps.append(self._step(kind, name, files, spec, how))
        self._bytes += sum(len(each.flatbuffer) for each in files)
        if self._bytes > _AT_ONCE:
            self._compare()
            give_back_memory()

    def _step(self, kind: RungKind, name: str, files: Pair[PackedModel], spec: InputSpec, how: RunOptions) -> _Step:
        if how.kernels == "reference":
            reference = ReferenceRun(files, self._keras.images, spec)
            return _Step(kind, name, files.plain, reference.maps, None, reference.open_plain, reference.known)
        session = open_session(files.plain, how)
        if files.activations is None:
            maps, known = noting_answers(session, spec)
            return _Step(kind, name, files.plain, maps, None, lambda: session, known)
        probabilities = self._answers(name, session, files.plain, spec)
        session = open_session(files.activations, how)
        return _Step(kind, name, files.plain, MapRun(session, spec), probabilities)

    def _answers(
        self,
        name: str,
        session: Runner,
        plain: PackedModel,
        spec: InputSpec,
        known: Mapping[bytes, npt.NDArray[Any]] | None = None,
    ) -> npt.NDArray[np.float32]:
        probabilities = answer_all(session, plain, self._test.images, spec, known)
        if not np.isfinite(probabilities).all():
            raise ModelFileError(f"{plain.name} gives probabilities that are no numbers ({name}); convert it otherwise")
        return probabilities

    def _compare(self) -> None:
        """Finish the steps that there are, and let go of their models."""
        compared = self._keras.compare([step.maps for step in self._steps])
        for step, figures in zip(self._steps, compared, strict=True):
            probabilities = step.probabilities
            if step.open_plain:
                session = step.open_plain()
                probabilities = self._answers(step.name, session, step.plain, step.maps.spec, step.known)
            if probabilities is not None:
                answers = (self._expected, probabilities)
                self._rungs.append(rung_of(step.kind, step.name, *answers, self._test.labels, figures))
        self._steps, self._bytes = [], 0

    def rungs(self) -> list[Rung]:
        """Those of the models that were added, in their order."""
        self._compare()
        return self._rungs


def rung_of(
    kind: RungKind,
    name: str,
    keras: Array,
    probabilities: npt.NDArray[np.float32],
    truth: npt.NDArray[np.int64],
    layers: tuple[LayerFigures, ...],
) -> Rung:
    """What the answers of a model are against Keras'.

    Args:
        kind: of the rung.
        name: of the rung.
        keras: probabilities, (images, classes).
        probabilities: the model's.
        truth: int64 (images,), all -1 where nobody knows the labels.
        layers: its feature maps against Keras.
    """
    right = [values.argmax(axis=1) == truth for values in (keras, probabilities)]
    return Rung(
        kind=kind,
        name=name,
        parity=parity_of(keras, probabilities, truth),
        mcnemar_p=PairedComparison.of(*right).mcnemar_p if truth.min() >= 0 else None,
        max_difference=float(np.abs(keras - probabilities).max()),
        layers=layers,
        probabilities=probabilities,
    )
