"""What is in a .tflite file: tensors, operators, multiply-accumulates and parameters."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgecnn.errors import EdgecnnWarning, ModelFileError
from edgecnn.model_file import signature as signatures
from edgecnn.model_file.bundled import find_model
from edgecnn.model_file.card import ModelCard
from edgecnn.model_file.container import PackedModel
from edgecnn.model_file.signature import Signature, read_signature
from edgecnn.model_file.tflite_graph import WEIGHTED_INPUTS, read_graph
from edgecnn.model_file.tflite_metadata import custom_operators, read_metadata
from edgecnn.pixels.input_spec import InputSpec

from .runtime.loaded_model import LoadedModel
from .runtime.loading import open_model, read_packed
from .runtime.run_options import RunOptions
from .runtime.runtimes import operators

if TYPE_CHECKING:
    from .runtime.description import Description


@dataclass(frozen=True)
class TensorInfo:
    """A tensor; `scales` is empty if it is not quantized, and has one entry a channel if it is so quantized."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]


@dataclass(frozen=True)
class OperatorInfo:
    """An operator; `macs` are multiply-accumulates of one inference, `parameters` its weights and biases."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    macs: int
    parameters: int


@dataclass(frozen=True)
class ModelInfo:
    """A model file.

    Attributes:
        path: the file.
        size_bytes: of the whole file.
        flatbuffer_bytes: of the model in it, without card and probes.
        card: None for a file without one.
        runtime: name and version of what opened it.
        inputs: tensor indices.
        outputs: tensor indices by signature name.
        tensors: all of them, in index order.
        operators: in order of execution.
        labels: class names in output order: the card's, else as the file is understood; of a file that nothing here
            opens, the first that its metadata names.
        input: how images become its input; None of a file without a card that nothing here opens.
        signature: who signed the file, and with which key; None for a file that is not signed.
        seal_sha256: of the flatbuffer and all that is packed behind it, as in the parity report: it stays when the file
            is signed; empty for a file that has none.
    """

    path: Path
    size_bytes: int
    flatbuffer_bytes: int
    card: ModelCard | None
    runtime: str
    inputs: tuple[int, ...]
    outputs: dict[str, int]
    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorInfo, ...]
    labels: tuple[str, ...] = ()
    input: InputSpec | None = None
    signature: Signature | None = None
    seal_sha256: str = ""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(operator.macs for operator in self.operators)

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(operator.parameters for operator in self.operators)


def describe(
    model: str | Path, description: "Description | None" = None, *, require_signature: str | Path | None = None
) -> ModelInfo:
    """Look into a .tflite file or a bundled model.

    A file with operators that no CPU computes, such as one that is compiled for an Edge TPU, is described as it is
    written, and an EdgecnnWarning says why.

    Args:
        model: path of a file, or name of a bundled model.
        description: what you know of a file without a card; it goes before what the file says.
        require_signature: a file of allowed signers (ssh-keygen(1)), one of whom must have signed the model.

    Raises:
        ModelFileError: missing, damaged, refused by the runtime, or not signed as it must be.
        DelegateError: no runtime is installed.
        InputError: `model` is no path, `description` does not fit, or `require_signature` does not read.
        MissingExtraError: OpenSSH, which checks signatures, is not installed.
    """
    # A delegate would hide the operators that it takes.
    options = RunOptions(kernels="plain", description=description, require_signature=require_signature)
    try:
        loaded = open_model(model, options, judged=False)
    except ModelFileError as error:
        packed = read_packed(model)
        if not custom_operators(packed.flatbuffer):
            raise
        signature = read_signature(packed)
        if require_signature is not None:
            signature = signatures.require_signature(packed, require_signature)
        warnings.warn(str(error), EdgecnnWarning, stacklevel=2)
        return _describe_unopened(packed, find_model(model), signature)
    return _describe_opened(loaded, find_model(model), loaded.signature or read_signature(loaded.packed))


def _describe_unopened(packed: PackedModel, path: Path, signature: Signature | None) -> ModelInfo:
    """What is written in a file that nothing here can open; weights are not counted."""
    graph, card = read_graph(packed.flatbuffer, packed.name), packed.card
    return ModelInfo(
        path=path,
        size_bytes=path.stat().st_size,
        flatbuffer_bytes=len(packed.flatbuffer),
        card=card,
        runtime="none",
        inputs=graph.inputs,
        outputs={graph.tensors[index].name: index for index in graph.outputs},
        tensors=tuple(
            TensorInfo(index, one.name, one.shape, one.dtype, one.scales, one.zero_points)
            for index, one in enumerate(graph.tensors)
        ),
        operators=tuple(OperatorInfo(one.name, one.inputs, one.outputs, 0, 0) for one in graph.operators),
        labels=card.labels if card else next((file.lines for file in read_metadata(packed.flatbuffer).label_files), ()),
        input=card.input if card else None,
        signature=signature,
        seal_sha256=packed.seal_sha256,
    )


def _describe_opened(loaded: LoadedModel, path: Path, signature: Signature | None) -> ModelInfo:
    session = loaded.session
    details = {int(tensor["index"]): tensor for tensor in session.interpreter.get_tensor_details()}
    shapes = {index: tuple(int(size) for size in tensor["shape"]) for index, tensor in details.items()}
    return ModelInfo(
        path=path,
        size_bytes=path.stat().st_size,
        flatbuffer_bytes=len(loaded.packed.flatbuffer),
        card=loaded.card,
        runtime=session.runtime,
        inputs=(session.input.index,),
        outputs={name: tensor.index for name, tensor in session.outputs.items()},
        tensors=tuple(_describe_tensor(details[index]) for index in sorted(details) if details[index]["name"]),
        operators=tuple(_describe_operator(operator, shapes) for operator in operators(session.interpreter)),
        labels=loaded.labels,
        input=loaded.input,
        signature=signature,
        seal_sha256=loaded.packed.seal_sha256,
    )


def _describe_tensor(details: dict[str, Any]) -> TensorInfo:
    quantization = details["quantization_parameters"]
    return TensorInfo(
        index=int(details["index"]),
        name=details["name"],
        shape=tuple(int(size) for size in details["shape"]),
        dtype=details["dtype"].__name__,
        scales=tuple(float(scale) for scale in quantization["scales"]),
        zero_points=tuple(int(zero) for zero in quantization["zero_points"]),
    )


def _describe_operator(details: dict[str, Any], shapes: dict[int, tuple[int, ...]]) -> OperatorInfo:
    name = details["op_name"]
    inputs = tuple(int(index) for index in details["inputs"] if index >= 0)
    outputs = tuple(int(index) for index in details["outputs"])
    if name not in WEIGHTED_INPUTS:
        return OperatorInfo(name, inputs, outputs, 0, 0)
    data, weights, bias = WEIGHTED_INPUTS[name]
    macs = _count_macs(name, shapes[inputs[weights]], shapes[inputs[data]], shapes[outputs[0]])
    parameters = sum(math.prod(shapes[index]) for index in (inputs[weights], *inputs[bias : bias + 1]))
    return OperatorInfo(name, inputs, outputs, macs, parameters)


def _count_macs(name: str, weights: tuple[int, ...], data: tuple[int, ...], output: tuple[int, ...]) -> int:
    """Each output value takes one MAC for every weight of its filter; of a transposed convolution each input value.

    Weights: CONV_2D and TRANSPOSE_CONV (out, height, width, in), DEPTHWISE_CONV_2D (1, height, width, out),
    FULLY_CONNECTED (out, in).
    """
    if name == "TRANSPOSE_CONV":
        return math.prod(data) * math.prod(weights[:3])
    per_value = math.prod(weights[1:3]) if name == "DEPTHWISE_CONV_2D" else math.prod(weights[1:])
    return math.prod(output) * per_value
