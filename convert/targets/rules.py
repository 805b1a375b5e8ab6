"""What each kind of device or software takes, and what must be switched so that it does."""

import math
from dataclasses import dataclass

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.model_file.schemes import IoType, Scheme
from edgecnn.pixels.input_spec import InputSpec

from ..conversion import Target
from ..tflite.graph import Graph, Operator, check_complete
from . import tflite_runtime_2_14

_TENSOR_TYPES = ("float32", "int8", "uint8", "int16")  # of input and output
# coral.ai, "TensorFlow models on the Edge TPU", table 1 (compiler 16.0).
_EDGE_TPU = frozenset(
    """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC
    MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQUEEZE STRIDED_SLICE SUB SUM
    SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV
    """.split()
)
_EDGE_TPU_TYPES = ("int8", "uint8", "int32")  # int32: biases
_EDGE_TPU_SOFTMAX = 16_000  # elements


@dataclass(frozen=True)
class Settings:
    """How a target wants a scheme to be converted; the arguments of `edgecnn.convert.tflite.export.to_flatbuffer`."""

    io: IoType
    dense_per_tensor: bool


@dataclass(frozen=True)
class Placement:
    """An operator, and why it stays on the CPU; empty if the accelerator takes it."""

    operator: str
    why_not: str


def settings(target: Target, scheme: Scheme, io: IoType, dense_per_tensor: bool, spec: InputSpec) -> Settings:
    """Switch what `target` needs.

    Raises:
        InputError: `target` cannot take this scheme or these images, whatever is switched.
    """
    if target == "tflite-runtime-2.14":
        return Settings(io, dense_per_tensor or scheme == "dynamic")
    if target == "edgetpu":
        if scheme != "int8":
            raise InputError(f"an Edge TPU computes in 8-bit integers only. Received: {scheme}; use --int8")
        if io == "float32":
            raise InputError("an Edge TPU takes 8-bit input and output; leave out --io float32")
    if target == "mediapipe":
        if spec.channels != 3:
            raise InputError(
                "MediaPipe's ImageClassifier takes RGB images, this model grayscale ones; train it on RGB images "
                "(--color rgb), or use another target"
            )
        if scheme in ("int16x8", "mixed"):
            raise InputError(f"MediaPipe's ImageClassifier takes uint8 or float32 input, not {scheme}'s; use --int8")
        return Settings("uint8" if io == "int8" else io, dense_per_tensor)
    return Settings(io, dense_per_tensor)


def check(target: Target, graph: Graph) -> None:
    """Make sure that `target` runs a converted model.

    Raises:
        EdgecnnError: the rule that fails, in words.
    """
    check_complete(graph)
    for kind, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        for tensor in tensors:
            if tensor.dtype not in _TENSOR_TYPES:
                raise EdgecnnError(f"{target}: the {kind} {tensor.name} is {tensor.dtype}, not one of {_TENSOR_TYPES}")
    if graph.others:
        raise EdgecnnError(
            f"{target}: the model has {graph.others} subgraphs for control flow (while, if), which delegates refuse; "
            "unroll loops in the Keras model"
        )
    if target == "tflite-runtime-2.14":
        _check_versions(graph)
    if target == "edgetpu":
        _check_edge_tpu(graph)


def _check_versions(graph: Graph) -> None:
    for operator in graph.operators:
        highest = tflite_runtime_2_14.TFLITE_RUNTIME_2_14.get(operator.name, 0)
        if operator.version > highest:
            raise EdgecnnError(
                f"tflite-runtime-2.14 runs {operator.name} up to version {highest}, the converted model has version "
                f"{operator.version}; use another scheme, or LiteRT on the device"
            )
        dynamic = operator.name == "FULLY_CONNECTED" and operator.inputs[0].dtype == "float32"
        scales = operator.inputs[1].scales if dynamic else 1
        if scales > 1:
            raise EdgecnnError(
                "tflite-runtime-2.14 computes dynamic dense layers with one scale a channel wrongly, "
                f"{operator.inputs[1].name} has {scales}; use --dense-per-tensor"
            )


def _check_edge_tpu(graph: Graph) -> None:
    for operator in graph.operators:
        for tensor in (*operator.inputs, *operator.outputs):
            if tensor.dtype not in _EDGE_TPU_TYPES:
                raise EdgecnnError(f"edgetpu: {tensor.name} of {operator.name} is {tensor.dtype}, not an 8-bit integer")
    if not any(not placed.why_not for placed in edge_tpu_placement(graph)):
        raise EdgecnnError(
            f"edgetpu: nothing would run there: {edge_tpu_placement(graph)[0].why_not}; change the first layers"
        )


def edge_tpu_placement(graph: Graph) -> tuple[Placement, ...]:
    """Which operators run on an Edge TPU: all before the first that it cannot take, and none after."""
    placed: list[Placement] = []
    stopped = ""
    for operator in graph.operators:
        why = stopped or _why_not_edge_tpu(operator)
        if why and not stopped:
            stopped = f"it comes after {operator.name}"
        placed.append(Placement(operator.name, why))
    return tuple(placed)


def _why_not_edge_tpu(operator: Operator) -> str:
    if operator.name not in _EDGE_TPU:
        return f"an Edge TPU has no {operator.name}"
    for tensor in (*operator.inputs[:1], *operator.outputs):
        if math.prod(tensor.shape[:-3]) > 1:
            return f"{tensor.name} has more than 3 dimensions above 1"
    if operator.name == "SOFTMAX" and math.prod(operator.inputs[0].shape) > _EDGE_TPU_SOFTMAX:
        return f"a softmax may have {_EDGE_TPU_SOFTMAX:,} elements there"
    return ""
