"""What a file answers on the reference kernels, to many images in a fraction of the time that those take.

The plain kernels compute convolutions and poolings in the same integer arithmetic as the reference ones, ten times as
fast; others, such as softmax, are approximated otherwise. So they run the network as far as both are seen to give the
same integers, and the reference kernels the rest.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.device.runtime.placement import DelegatePlacement
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import find_runtime, open_interpreter
from edgecnn.device.runtime.session import Runner, Session
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.card import PROBABILITIES
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

from ..network.seen import key_of
from ..pair import Pair
from ..tflite.prune_outputs import is_part_of
from .cuts import Cut, cuts_of, part_of, with_outputs
from .keras_maps import MapRun

REFERENCE_KERNELS = RunOptions(kernels="reference")
_PLAIN_KERNELS = RunOptions(kernels="plain")


class ReferenceSession(Runner):
    """A model whose first operators are computed by the plain kernels, and the others by the reference ones."""

    def __init__(self, whole: Session, before: Session, after: bytes) -> None:
        """Put both together.

        Args:
            whole: the model on the reference kernels.
            before: its first operators, with one output.
            after: a flatbuffer of the others, which take that.
        """
        self._whole, self._before = whole, before
        self._given = next(iter(before.outputs.values()))
        self.input, self.outputs, self.lock = before.input, whole.outputs, whole.lock
        self.delegate = self.last_input = None
        self.interpreter, _ = open_interpreter(find_runtime(None), after, "its last operators", 1, "reference")
        self._index = self.interpreter.get_input_details()[0]["index"]

    @property
    def runtime(self) -> str:
        """The runtime's name and version."""
        return self._whole.runtime

    def placement(self) -> DelegatePlacement:
        """None of the operators is a delegate's."""
        return self._whole.placement()

    def run(self, tensor: npt.NDArray[np.generic]) -> None:
        """Invoke the model on `tensor`: shape and dtype of `input`."""
        self.last_input = tensor
        self._before.run(tensor)
        self.interpreter.set_tensor(self._index, self._before.output(self._given)[None])
        self.interpreter.invoke()

    def output(self, tensor: TensorSpec) -> npt.NDArray[np.generic]:
        """The model's output of the last run, in its own dtype, without the batch dimension."""
        values: npt.NDArray[np.generic] = self.interpreter.get_tensor(tensor.index)[0]
        return values


class _Watched(Session):
    """A model on the reference kernels; each image that it runs shows how far the plain ones give the same integers.

    Attributes:
        agreed: how many of the first cuts were the same for all images.
    """

    def __init__(self, packed: PackedModel, cuts: Sequence[Cut], whole: bytes = b"") -> None:
        """Say of what.

        Args:
            packed: a file with one output.
            cuts: its own.
            whole: what runs on the reference kernels, with the tensors of `cuts` among its outputs; without it no more
                than the operators before the last cut.
        """
        self._packed, self._cuts, self.agreed = packed, cuts, len(cuts)
        first = self._up_to_last_cut()
        super().__init__(PackedModel(packed.name, whole or first.flatbuffer, None, None), REFERENCE_KERNELS)
        self._beside = Session(first, _PLAIN_KERNELS)

    def _up_to_last_cut(self) -> PackedModel:
        """The operators before the last of the cuts that agree."""
        cuts, flatbuffer = self._cuts[: self.agreed], self._packed.flatbuffer
        part = part_of(flatbuffer, slice(cuts[-1].position), outputs=[cut.tensor for cut in cuts])
        return PackedModel(self._packed.name, part, None, None)

    def run(self, tensor: npt.NDArray[np.generic]) -> None:
        """Invoke both on `tensor`: shape and dtype of `input`."""
        super().run(tensor)
        if not self.agreed:
            return
        self._beside.run(tensor)
        both = self.interpreter, self._beside.interpreter
        same = (np.array_equal(*(each.get_tensor(cut.tensor) for each in both)) for cut in self._cuts[: self.agreed])
        agreed = sum(itertools.takewhile(bool, same))
        if agreed < self.agreed:  # what comes after is no longer asked
            self.agreed = agreed
            self._beside = Session(self._up_to_last_cut(), _PLAIN_KERNELS) if agreed else self._beside


def open_reference(packed: PackedModel, some: Images, spec: InputSpec) -> Runner:
    """A session that answers as the reference kernels do.

    Args:
        packed: a file with one output.
        some: images for which both kinds of kernels must give the same integers, as far as the plain ones take part.
        spec: how images are prepared.
    """
    cuts = tuple(cuts_of(packed.flatbuffer))
    return _open(packed, cuts, _agreed(packed, cuts, some, spec))


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
        self._cuts = tuple(cuts_of(self._plain.flatbuffer))
        self._is_one = is_part_of(self._plain.flatbuffer, variant.flatbuffer, PROBABILITIES)
        self.known: dict[bytes, npt.NDArray[Any]] = {}
        if self._is_one and self._cuts:
            whole = with_outputs(variant.flatbuffer, [cut.tensor for cut in self._cuts])
            self._session: Session = _Watched(self._plain, self._cuts, whole)
        else:
            self._session = Session(variant, REFERENCE_KERNELS)
        self.maps = MapRun(self._session, spec, self._note) if self._is_one else MapRun(self._session, spec)

    def _note(self, pixels: Pixels) -> None:
        self.known[key_of(pixels)] = self._session.output(self._session.outputs[PROBABILITIES])

    def open_plain(self) -> Runner:
        """A session of the file that answers as the reference kernels do; to be called after the comparison."""
        if not self._is_one:
            return open_reference(self._plain, self._some, self._spec)
        agreed = self._session.agreed if isinstance(self._session, _Watched) else 0
        return _open(self._plain, self._cuts, agreed)


def _open(packed: PackedModel, cuts: Sequence[Cut], agreed: int) -> Runner:
    """A session on the plain kernels as far as the first `agreed` of `cuts`, on the reference ones from there."""
    whole = Session(packed, REFERENCE_KERNELS)
    if not agreed:
        return whole
    cut = cuts[agreed - 1]
    before = PackedModel(packed.name, part_of(packed.flatbuffer, slice(cut.position), outputs=[cut.tensor]), None, None)
    after = part_of(packed.flatbuffer, slice(cut.position, None), inputs=[cut.tensor])
    return ReferenceSession(whole, Session(before, _PLAIN_KERNELS), after)


def _agreed(packed: PackedModel, cuts: Sequence[Cut], some: Images, spec: InputSpec) -> int:
    """At how many of the first `cuts` both kinds of kernels give the same integers for all images."""
    if not cuts:
        return 0
    watched = _Watched(packed, cuts)
    gather = watched.gather(spec)
    for pixels in np.asarray(some):
        watched.run(gather(pixels))
    return watched.agreed
