"""Whether the scales of a file's tensors are such that its operators can mean anything by their integers."""

import math
from collections.abc import Iterator

from tensorflow.lite.python import schema_py_generated as schema

from .graph import GraphOperator
from .operator_fault import OperatorFault

# They hand integers on as they are: what goes in and what comes out stand for the same only under one scale.
_HANDING_ON = (
    "AVERAGE_POOL_2D", "MAX_POOL_2D", "CONCATENATION", "PAD", "PADV2", "MIRROR_PAD", "RESHAPE", "TRANSPOSE", "SQUEEZE",
    "EXPAND_DIMS", "STRIDED_SLICE", "SLICE", "SPLIT", "REDUCE_MAX", "REDUCE_MIN", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH",
    "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "GATHER",
)  # fmt: skip
# What comes out of these has a scale and a zero point of 8 bits that TFLite prescribes.
_FIXED = {
    "SOFTMAX": (1 / 256, -128),
    "LOGISTIC": (1 / 256, -128),
    "TANH": (1 / 128, 0),
    "L2_NORMALIZATION": (1 / 128, 0),
}
_NEAR = 1e-3
_BITS_16 = 1 / 32768, 0

Quantization = tuple[float, int]


def quantization_of(subgraph: "schema.SubGraph", index: int) -> Quantization | None:
    """Scale and zero point of a tensor with one of each."""
    quantization = subgraph.Tensors(index).Quantization() if index >= 0 else None
    if quantization is None or quantization.ScaleLength() != 1:
        return None
    return float(quantization.Scale(0)), int(quantization.ZeroPoint(0))


def misfits(subgraph: "schema.SubGraph", operator: GraphOperator, layer: str) -> Iterator[OperatorFault]:
    """Where an operator gives its values another scale or zero point than it has to.

    Args:
        subgraph: of the file.
        operator: one of its operators.
        layer: which it belongs to.
    """
    kind, given = subgraph.Tensors(operator.output).Type(), quantization_of(subgraph, operator.output)
    if given is None or kind not in (schema.TensorType.INT8, schema.TensorType.INT16):
        return
    wanted: list[tuple[str, Quantization]] = []
    if operator.name in _FIXED:
        is_16 = kind == schema.TensorType.INT16
        wanted.append(("of this operator are always", _BITS_16 if is_16 else _FIXED[operator.name]))
    elif operator.name in _HANDING_ON:
        taken = (quantization_of(subgraph, index) for index in operator.inputs)
        wanted += [("that it takes are", each) for each in taken if each]
    for words, each in wanted:
        if not _are_alike(each, given):
            yield OperatorFault(
                layer,
                f"the scale and zero point that its {operator.name} gives are {given[0]:.4g} and {given[1]}, those "
                f"{words} {each[0]:.4g} and {each[1]}",
            )
            return


def _are_alike(one: Quantization, other: Quantization) -> bool:
    return math.isclose(one[0], other[0], rel_tol=_NEAR) and one[1] == other[1]
