"""Tensors and operators of a .tflite file as they are written in it, where no runtime here can open it."""

from dataclasses import dataclass

from ..errors import ModelFileError
from .flatbuffer import DamagedFlatbufferError, Table

_TYPES = ("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8")
# Of BuiltinOperator, those of image classifiers.
_OPERATORS = {
    0: "ADD", 1: "AVERAGE_POOL_2D", 2: "CONCATENATION", 3: "CONV_2D", 4: "DEPTHWISE_CONV_2D", 6: "DEQUANTIZE",
    9: "FULLY_CONNECTED", 14: "LOGISTIC", 17: "MAX_POOL_2D", 18: "MUL", 19: "RELU", 21: "RELU6", 22: "RESHAPE",
    25: "SOFTMAX", 34: "PAD", 40: "MEAN", 41: "SUB", 43: "SQUEEZE", 114: "QUANTIZE", 117: "HARD_SWISH",
}  # fmt: skip
_CUSTOM = 32


@dataclass(frozen=True)
class GraphTensor:
    """A tensor; `scales` is empty if it is not quantized. `is_constant` is so of weights."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    is_constant: bool


@dataclass(frozen=True)
class GraphOperator:
    """An operator by name, and the numbers of the tensors that it takes and makes."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """The main graph of a file; `inputs` and `outputs` are numbers of tensors."""

    tensors: tuple[GraphTensor, ...]
    operators: tuple[GraphOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read_graph(data: bytes, name: str) -> Graph:
    """Read the main graph of the .tflite file `data`; `name` is for messages.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        model = Table.root(data)
        graph, buffers = model.tables(8)[0], model.tables(12)
        codes = [_operator_name(code) for code in model.tables(6)]
        read = Graph(
            tensors=tuple(_tensor(tensor, buffers) for tensor in graph.tables(4)),
            operators=tuple(
                GraphOperator(codes[one.scalar(4, "I")], _indices(one, 6), _indices(one, 8)) for one in graph.tables(10)
            ),
            inputs=_indices(graph, 6),
            outputs=_indices(graph, 8),
        )
    except (DamagedFlatbufferError, IndexError) as error:
        raise ModelFileError(f"{name} is damaged ({error}); copy the file again") from None
    used = {*read.inputs, *read.outputs, *(index for one in read.operators for index in (*one.inputs, *one.outputs))}
    if not all(index < len(read.tensors) for index in used):
        raise ModelFileError(f"{name} is damaged (an operator uses a tensor that is not there); copy the file again")
    return read


def scheme_of(graph: Graph) -> str:
    """How the network is approximated, one of `edgecnn.model_file.schemes.SCHEMES`, by the types of its tensors."""
    made = {graph.tensors[index].dtype for one in graph.operators for index in one.outputs}
    weights = {tensor.dtype for tensor in graph.tensors if tensor.is_constant and len(tensor.shape) > 1}
    if "int16" in made:
        return "int16x8"
    if made & {"int8", "uint8"}:
        return "int8"
    if weights & {"int8", "uint8"}:
        return "dynamic"
    return "float16" if "float16" in weights else "float32"


def _indices(table: Table, slot: int) -> tuple[int, ...]:
    """Numbers of tensors; -1 stands for an optional one that is left out."""
    return tuple(int(index) for index in table.numbers(slot, "i") if index >= 0)


def _operator_name(code: Table) -> str:
    number = max(code.scalar(4, "b"), code.scalar(10, "i"))
    return code.text(6) if number == _CUSTOM else _OPERATORS.get(number, f"operator {number}")


def _tensor(tensor: Table, buffers: list[Table]) -> GraphTensor:
    kind, quantization = tensor.scalar(6, "b"), tensor.table(12)
    buffer = buffers[tensor.scalar(8, "I")]
    return GraphTensor(
        name=tensor.text(10),
        shape=tuple(int(size) for size in tensor.numbers(4, "i")),
        dtype=_TYPES[kind] if 0 <= kind < len(_TYPES) else f"type {kind}",
        scales=quantization.numbers(8, "f") if quantization else (),
        zero_points=tuple(int(zero) for zero in quantization.numbers(10, "q")) if quantization else (),
        # Data of more than 2 GiB, and of some converters, lie behind the flatbuffer: there is an offset then.
        is_constant=bool(buffer.octets(4)) or buffer.scalar(6, "Q") > 1,
    )
