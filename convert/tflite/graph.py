"""What a flatbuffer asks of a runtime, read before any runtime sees it."""

from dataclasses import dataclass
from typing import Any

from tensorflow.lite.python import schema_py_generated as schema

_OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
_TYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")}


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph.

    Attributes:
        shape: -1 for a size that is not fixed.
        dtype: `float32`, `int8`, ...
        scales: how many quantization scales it has: 0, 1, or one a channel.
        has_data: whether it is a constant whose values are in the file.
        is_variable: whether it is a state that starts empty.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: int
    has_data: bool
    is_variable: bool


@dataclass(frozen=True)
class Operator:
    """An operator; `custom` is its own name where it is none of the built-in ones."""

    name: str
    version: int
    custom: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a model; `others` counts further ones, which only control flow needs."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    others: int


def read_graph(flatbuffer: bytes) -> Graph:
    """Read a flatbuffer that a converter just wrote."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    subgraph = model.Subgraphs(0)
    tensors = [_tensor(model, subgraph, index) for index in range(subgraph.TensorsLength())]

    def tensors_at(indices: Any) -> tuple[Tensor, ...]:
        # An optional input that is left out has the index -1; no inputs at all read as 0.
        return tuple(tensors[index] for index in (indices.tolist() if hasattr(indices, "tolist") else ()) if index >= 0)

    operators = []
    for position in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(position)
        code = model.OperatorCodes(operator.OpcodeIndex())
        # Files from before there were 128 operators have their code in the deprecated field.
        name = _OPERATORS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        custom = (code.CustomCode() or b"").decode(errors="replace")
        inputs, outputs = tensors_at(operator.InputsAsNumpy()), tensors_at(operator.OutputsAsNumpy())
        operators.append(Operator(name, code.Version(), custom, inputs, outputs))
    return Graph(
        inputs=tensors_at(subgraph.InputsAsNumpy()),
        outputs=tensors_at(subgraph.OutputsAsNumpy()),
        operators=tuple(operators),
        others=model.SubgraphsLength() - 1,
    )


def _tensor(model: "schema.Model", subgraph: "schema.SubGraph", index: int) -> Tensor:
    tensor = subgraph.Tensors(index)
    signature = tensor.ShapeSignatureAsNumpy() if tensor.ShapeSignatureLength() else tensor.ShapeAsNumpy()
    quantization, buffer = tensor.Quantization(), model.Buffers(tensor.Buffer())
    return Tensor(
        index=index,
        name=(tensor.Name() or b"").decode(errors="replace"),
        shape=tuple(signature.tolist()) if tensor.ShapeLength() else (),
        dtype=_TYPES[tensor.Type()],
        scales=quantization.ScaleLength() if quantization else 0,
        has_data=tensor.Buffer() > 0 and (buffer.DataLength() > 0 or buffer.Size() > 0),
        is_variable=bool(tensor.IsVariable()),
    )
