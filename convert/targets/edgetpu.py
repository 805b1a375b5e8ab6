"""Google's Edge TPU (Coral): 8-bit integers, the operators of its compiler, and the compiler itself where it is."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgecnn.errors import EdgecnnError, InputError
from edgecnn.model_file.schemes import SCHEMES

from .target import ExportSettings, Target

if TYPE_CHECKING:
    from edgecnn.model_file.tflite_graph import Graph, GraphOperator
    from edgecnn.pixels.input_spec import InputSpec

# coral.ai, "TensorFlow models on the Edge TPU", table 1 (compiler 16.0).
_OPERATOR_NAMES = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D EXPAND_DIMS FULLY_CONNECTED L2_NORMALIZATION LOGISTIC
    MAXIMUM MAX_POOL_2D MEAN MINIMUM MUL PACK PAD PRELU QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 RELU_N1_TO_1 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR RSQRT SLICE SOFTMAX SPACE_TO_DEPTH SPLIT SQUEEZE STRIDED_SLICE SUB SUM
    SQUARED_DIFFERENCE TANH TRANSPOSE TRANSPOSE_CONV
"""
_OPERATORS = frozenset(_OPERATOR_NAMES.split())
_TYPES = ("int8", "uint8", "int32")  # int32: biases
_SOFTMAX = 16_000  # elements


@dataclass(frozen=True)
class OperatorSupport:
    """An operator, and why it stays on the CPU; empty if the accelerator takes it."""

    operator: str
    why_not: str


class EdgeTPU(Target):
    """An Edge TPU."""

    name = "edgetpu"

    def settings(self, requested: ExportSettings, spec: "InputSpec") -> ExportSettings:
        """Nothing can be switched: 8-bit integers or nothing; see `Target.settings`."""
        row = SCHEMES[requested.scheme]
        if {row.input_type, row.output_type} != {"int8"}:
            raise InputError(f"an Edge TPU computes in 8-bit integers only. Received: {requested.scheme}; use --int8")
        if requested.io == "float32":
            raise InputError("an Edge TPU takes 8-bit input and output; leave out --io float32")
        return requested

    def require_supported(self, graph: "Graph") -> None:
        """Only 8-bit integers, and something of it must run there; see `Target.require_supported`."""
        for operator in graph.operators:
            for tensor in graph.tensors_at((*operator.inputs, *operator.outputs)):
                if tensor.dtype not in _TYPES:
                    raise EdgecnnError(
                        f"edgetpu: {tensor.name} of {operator.name} is {tensor.dtype}, not an 8-bit integer; use --int8"
                    )
        support = operator_support(graph)
        if all(operator.why_not for operator in support):
            reason = support[0].why_not if support else "the model has no operator"
            raise EdgecnnError(f"edgetpu: nothing would run there: {reason}; change the first layers")

    def finish_file(self, path: Path, graph: "Graph") -> tuple[Path | None, tuple[str, ...]]:
        """Says which operators would run there, and compiles where that can be done; see `Target.finish_file`."""
        from ..tflite import edgetpu_compiler

        support = operator_support(graph)
        taken = sum(not operator.why_not for operator in support)
        notes = [f"Edge TPU: {taken} of {len(support)} operators would run there"]
        notes += [f"{entry.operator} stays on the CPU: {entry.why_not}" for entry in support if entry.why_not]
        compiler = edgetpu_compiler.find_compiler()
        if compiler:
            return edgetpu_compiler.compile_packed(compiler, path), tuple(notes)
        notes.append(
            f"{edgetpu_compiler.COMPILER} is not installed here (Google has it for x86-64 Debian): install it and "
            "convert again, and the compiled file will carry the card"
        )
        return None, tuple(notes)


TARGET = EdgeTPU()


def operator_support(graph: "Graph") -> tuple[OperatorSupport, ...]:
    """Which operators run on an Edge TPU: all before the first that it cannot take, and none after."""
    support: list[OperatorSupport] = []
    stopped = ""
    for operator in graph.operators:
        why = stopped or _why_not(operator, graph)
        if why and not stopped:
            stopped = f"it comes after {operator.name}"
        support.append(OperatorSupport(operator.name, why))
    return tuple(support)


def _why_not(operator: "GraphOperator", graph: "Graph") -> str:
    if operator.name not in _OPERATORS:
        return f"an Edge TPU has no {operator.name}"
    for tensor in graph.tensors_at((*operator.inputs[:1], *operator.outputs)):
        if math.prod(tensor.shape[:-3]) > 1:
            return f"{tensor.name} has more than 3 dimensions above 1"
    if operator.name == "SOFTMAX" and math.prod(graph.tensors[operator.inputs[0]].shape) > _SOFTMAX:
        return f"a softmax may have {_SOFTMAX:,} elements there"
    return ""
