"""Answers of the reference kernels, quicker: operators that gave the same integers on plain kernels run on those.

The first images tell which these are.
"""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.device.runtime.placement import DelegatePlacement
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runner import Runner
from edgecnn.device.runtime.runtimes import Kernels, find_runtime, open_interpreter
from edgecnn.device.runtime.session import Session
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

from ..pair import Pair
from ..tflite.prune_outputs import is_part_of
from .graph_parts import GraphParts, Part
from .keras_maps import noting_answers

REFERENCE_KERNELS = RunOptions(kernels="reference")
# Images for which both kernels run: where they differ, they do so for one of some thousand values.
_WATCHED = 16


class _PartRun:
    """An interpreter of a part of a graph."""

    def __init__(self, part: Part, flatbuffer: bytes, kernels: Kernels) -> None:
        self.part, self._flatbuffer = part, flatbuffer
        self._kernels: Kernels = kernels
        self._interpreter, _ = open_interpreter(find_runtime(None), flatbuffer, "a part of the model", 1, kernels)

    def beside(self) -> "_PartRun":
        """Another one, for another thread."""
        return _PartRun(self.part, self._flatbuffer, self._kernels)

    def run(self, values: Mapping[int, npt.NDArray[Any]]) -> dict[int, npt.NDArray[Any]]:
        """What the part makes of the values of its inputs."""
        for index in self.part.inputs:
            self._interpreter.set_tensor(index, values[index])
        self._interpreter.invoke()
        return {index: self._interpreter.get_tensor(index) for index in self.part.outputs}


class ReferenceSession(Runner):
    """A model that gives the integers of the reference kernels, though the plain kernels compute a part of it."""

    def __init__(self, packed: PackedModel, graph: GraphParts, watched: int) -> None:
        """Open what computes the parts of a model.

        Args:
            packed: the model.
            graph: its own.
            watched: for so many images the reference kernels run all of it. What the plain ones make otherwise is left
                to them from then on.
        """
        whole = Session(packed, REFERENCE_KERNELS)
        self.input, self.outputs, self.lock = whole.input, whole.outputs, whole.lock
        self._placement, self._runtime = whole.placement(), whole.runtime
        self.interpreter = self.delegate = self.last_input = None
        self._values: dict[int, npt.NDArray[Any]] = {}
        self._graph, self._quick, self._watched = graph, graph.quick, watched
        self._open()

    def _open(self) -> None:
        self._runs, self._slow = [], dict[int, _PartRun]()
        for place, part in enumerate(self._graph.parts(self._quick)):
            flatbuffer = self._graph.flatbuffer(part)
            self._runs.append(_PartRun(part, flatbuffer, "plain" if part.is_quick else "reference"))
            if part.is_quick:
                self._slow[place] = _PartRun(part, flatbuffer, "reference")

    def beside(self) -> "ReferenceSession":
        """Another one, for another thread; to be called when all is found out."""
        other = copy.copy(self)
        other._runs = [run.beside() for run in self._runs]
        return other

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return self._runtime

    def placement(self) -> DelegatePlacement:
        """None of the operators is a delegate's."""
        return self._placement

    def _invoke_on(self, tensor: npt.NDArray[np.generic]) -> None:
        self._values = {self._graph.image: tensor}
        wrong: set[int] = set()
        for place, run in enumerate(self._runs):
            made = run.run(self._values)
            if place in self._slow:
                quickly, made = made, self._slow[place].run(self._values)
                wrong |= self._graph.makers_up_to(run.part, _first_other(quickly, made))
            self._values |= made
        self._watched = max(0, self._watched - 1)
        if wrong:
            self._quick -= wrong
            self._open()
        if not self._watched:
            self._slow = {}

    def output(self, tensor: TensorSpec) -> npt.NDArray[Any]:
        """The model's output of the last run, in its own dtype, without the batch dimension."""
        values: npt.NDArray[Any] = self._values[tensor.index][0]
        return values


def _first_other(quickly: Mapping[int, npt.NDArray[Any]], slowly: Mapping[int, npt.NDArray[Any]]) -> int | None:
    """The first tensor that is not the same."""
    return next((index for index, values in slowly.items() if not np.array_equal(quickly[index], values)), None)


def open_reference(packed: PackedModel, some: Images, spec: InputSpec) -> Runner:
    """A session that answers as the reference kernels do.

    Args:
        packed: a file with one output.
        some: for the first of them both kinds of kernels must give the same integers where the plain ones take part.
        spec: how images are prepared.
    """
    session = _watched(packed, len(some))
    if isinstance(session, ReferenceSession):
        gather = session.gather(spec)
        for pixels in np.asarray(some[:_WATCHED]):
            session.run(gather(pixels))
    return session


def _watched(packed: PackedModel, images: int) -> Runner:
    """A session that finds out in the first of so many images what the plain kernels can do."""
    graph = GraphParts(packed.flatbuffer)
    if not graph.quick:
        return Session(packed, REFERENCE_KERNELS)
    return ReferenceSession(packed, graph, min(images, _WATCHED))


class ReferenceRun:
    """The reference kernels on a file and its variant, while the variant's feature maps are compared.

    Where the plain file is the variant's own graph, these slow kernels run each image of the comparison once for both.

    Attributes:
        maps: the variant, for the comparison.
        known: what the file's output is, as its tensor holds it, for the images that were compared, by `key_of`.
    """

    def __init__(self, files: Pair[PackedModel], some: Pixels, spec: InputSpec) -> None:
        """Open the variant.

        Args:
            files: a file with one output, and its variant.
            some: the images of the comparison, as many as `open_reference` wants.
            spec: how images are prepared.
        """
        self._plain, variant = files.plain, files.activations or files.plain
        self._some, self._spec = some, spec
        self._is_one = is_part_of(self._plain.flatbuffer, variant.flatbuffer, PROBABILITIES)
        self._session = _watched(variant, len(some)) if self._is_one else Session(variant, REFERENCE_KERNELS)
        self.maps, answers = noting_answers(self._session, spec)
        self.known = answers if self._is_one else {}

    def open_plain(self) -> Runner:
        """A session of the file that answers as the reference kernels do; to be called after the comparison."""
        if not self._is_one:
            return open_reference(self._plain, self._some, self._spec)
        return self._session
