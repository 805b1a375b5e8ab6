"""What a file answers on the reference kernels, to many images in a fraction of the time that those take.

The plain kernels compute convolutions and poolings in the same integer arithmetic as the reference ones, ten times as
fast; others, such as softmax, are approximated otherwise. So they run the network as far as both are seen to give the
same integers, and the reference kernels the rest.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import flatbuffers
import numpy as np
import numpy.typing as npt
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.device.runtime.placement import DelegatePlacement
from edgecnn.device.runtime.run_options import RunOptions
from edgecnn.device.runtime.runtimes import find_runtime, open_interpreter
from edgecnn.device.runtime.session import Runner, Session
from edgecnn.device.runtime.tensor_spec import TensorSpec
from edgecnn.model_file.container import PackedModel
from edgecnn.pixels.dataset import Images
from edgecnn.pixels.input_spec import InputSpec

REFERENCE_KERNELS = RunOptions(kernels="reference")
_PLAIN_KERNELS = RunOptions(kernels="plain")
_INTEGERS = (schema.TensorType.INT8, schema.TensorType.UINT8, schema.TensorType.INT16)


@dataclass(frozen=True)
class _Cut:
    """A place where one tensor is all that a graph's later operators take from those before.

    Attributes:
        position: of the first operator after it.
        tensor: its index.
    """

    position: int
    tensor: int


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


def open_reference(packed: PackedModel, some: Images, spec: InputSpec) -> Runner:
    """A session that answers as the reference kernels do.

    Args:
        packed: a file with one output.
        some: images for which both kinds of kernels must give the same integers, as far as the plain ones take part.
        spec: how images are prepared.
    """
    whole = Session(packed, REFERENCE_KERNELS)
    cuts = tuple(_cuts(packed.flatbuffer))
    same = _equal_up_to(packed, cuts, some, spec) if cuts else 0
    if not same:
        return whole
    cut = cuts[same - 1]
    before = PackedModel(packed.name, _part(packed.flatbuffer, slice(cut.position), outputs=[cut.tensor]), None, None)
    after = _part(packed.flatbuffer, slice(cut.position, None), inputs=[cut.tensor])
    return ReferenceSession(whole, Session(before, _PLAIN_KERNELS), after)


def _equal_up_to(packed: PackedModel, cuts: tuple[_Cut, ...], some: Images, spec: InputSpec) -> int:
    """At how many of the first `cuts` both kinds of kernels give the same integers for all images."""
    watched = _part(packed.flatbuffer, slice(cuts[-1].position), outputs=[cut.tensor for cut in cuts])
    sessions = [
        Session(PackedModel(packed.name, watched, None, None), how) for how in (_PLAIN_KERNELS, REFERENCE_KERNELS)
    ]
    tensors = {tensor.index: tensor for tensor in sessions[0].outputs.values()}
    gather, same = sessions[0].gather(spec), len(cuts)
    for pixels in np.asarray(some):
        for session in sessions:
            session.run(gather(pixels))
        for place, cut in enumerate(cuts[:same]):
            tensor = tensors.get(cut.tensor)  # of tensors with one name, only one is known
            if tensor is None or not np.array_equal(sessions[0].output(tensor), sessions[1].output(tensor)):
                same = place
                break
    return same


def _cuts(flatbuffer: bytes) -> Iterator[_Cut]:
    """Every place where a single tensor goes on, as far as operators give integers: those do not depend on an order."""
    graph, *others = schema.ModelT.InitFromPackedBuf(flatbuffer, 0).subgraphs
    if others:  # its operators call them
        return
    images = set(map(int, graph.inputs))
    given = set(images)
    for position, operator in enumerate(graph.operators[:-1], 1):
        if any(graph.tensors[index].type not in _INTEGERS for index in operator.outputs):
            return
        given.update(map(int, operator.outputs))
        wanted = {int(index) for later in graph.operators[position:] for index in later.inputs}
        crossing = given & wanted.union(map(int, graph.outputs))
        if len(crossing) == 1 and not crossing & images:
            yield _Cut(position, *crossing)


def _part(
    flatbuffer: bytes, operators: slice, inputs: list[int] | None = None, outputs: list[int] | None = None
) -> bytes:
    """Some operators of a flatbuffer, between other inputs and outputs."""
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    graph = model.subgraphs[0]
    graph.operators = graph.operators[operators]
    graph.inputs = graph.inputs if inputs is None else np.array(inputs, np.int32)
    graph.outputs = graph.outputs if outputs is None else np.array(outputs, np.int32)
    model.signatureDefs = []
    builder = flatbuffers.Builder(len(flatbuffer))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
