"""Tensors and operators of a .tflite file as they are written in it: no runtime needs to open it."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import ModelFileError
from .flatbuffer import DamagedFlatbufferError, Table
from .tflite_buffers import has_content

# TensorType, from 0 on.
_TYPES = (
    "float32 float16 int32 uint8 int64 string bool int16 complex64 int8 float64 complex128 uint64 resource variant "
    "uint32 uint16 int4 bfloat16 int2 uint4"
).split()
# BuiltinOperator, from 0 on.
_OPERATORS = """
    ADD AVERAGE_POOL_2D CONCATENATION CONV_2D DEPTHWISE_CONV_2D DEPTH_TO_SPACE DEQUANTIZE EMBEDDING_LOOKUP FLOOR
    FULLY_CONNECTED HASHTABLE_LOOKUP L2_NORMALIZATION L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOGISTIC
    LSH_PROJECTION LSTM MAX_POOL_2D MUL RELU RELU_N1_TO_1 RELU6 RESHAPE RESIZE_BILINEAR RNN SOFTMAX SPACE_TO_DEPTH
    SVDF TANH CONCAT_EMBEDDINGS SKIP_GRAM CALL CUSTOM EMBEDDING_LOOKUP_SPARSE PAD UNIDIRECTIONAL_SEQUENCE_RNN GATHER
    BATCH_TO_SPACE_ND SPACE_TO_BATCH_ND TRANSPOSE MEAN SUB DIV SQUEEZE UNIDIRECTIONAL_SEQUENCE_LSTM STRIDED_SLICE
    BIDIRECTIONAL_SEQUENCE_RNN EXP TOPK_V2 SPLIT LOG_SOFTMAX DELEGATE BIDIRECTIONAL_SEQUENCE_LSTM CAST PRELU MAXIMUM
    ARG_MAX MINIMUM LESS NEG PADV2 GREATER GREATER_EQUAL LESS_EQUAL SELECT SLICE SIN TRANSPOSE_CONV SPARSE_TO_DENSE
    TILE EXPAND_DIMS EQUAL NOT_EQUAL LOG SUM SQRT RSQRT SHAPE POW ARG_MIN FAKE_QUANT REDUCE_PROD REDUCE_MAX PACK
    LOGICAL_OR ONE_HOT LOGICAL_AND LOGICAL_NOT UNPACK REDUCE_MIN FLOOR_DIV REDUCE_ANY SQUARE ZEROS_LIKE FILL
    FLOOR_MOD RANGE RESIZE_NEAREST_NEIGHBOR LEAKY_RELU SQUARED_DIFFERENCE MIRROR_PAD ABS SPLIT_V UNIQUE CEIL
    REVERSE_V2 ADD_N GATHER_ND COS WHERE RANK ELU REVERSE_SEQUENCE MATRIX_DIAG QUANTIZE MATRIX_SET_DIAG ROUND
    HARD_SWISH IF WHILE NON_MAX_SUPPRESSION_V4 NON_MAX_SUPPRESSION_V5 SCATTER_ND SELECT_V2 DENSIFY SEGMENT_SUM
    BATCH_MATMUL PLACEHOLDER_FOR_GREATER_OP_CODES CUMSUM CALL_ONCE BROADCAST_TO RFFT2D CONV_3D IMAG REAL COMPLEX_ABS
    HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_SIZE REDUCE_ALL CONV_3D_TRANSPOSE VAR_HANDLE READ_VARIABLE
    ASSIGN_VARIABLE BROADCAST_ARGS RANDOM_STANDARD_NORMAL BUCKETIZE RANDOM_UNIFORM MULTINOMIAL GELU
    DYNAMIC_UPDATE_SLICE RELU_0_TO_1 UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_MAX UNSORTED_SEGMENT_SUM ATAN2
    UNSORTED_SEGMENT_MIN SIGN BITCAST BITWISE_XOR RIGHT_SHIFT STABLEHLO_LOGISTIC STABLEHLO_ADD STABLEHLO_DIVIDE
    STABLEHLO_MULTIPLY STABLEHLO_MAXIMUM STABLEHLO_RESHAPE STABLEHLO_CLAMP STABLEHLO_CONCATENATE
    STABLEHLO_BROADCAST_IN_DIM STABLEHLO_CONVOLUTION STABLEHLO_SLICE STABLEHLO_CUSTOM_CALL STABLEHLO_REDUCE
    STABLEHLO_ABS STABLEHLO_AND STABLEHLO_COSINE STABLEHLO_EXPONENTIAL STABLEHLO_FLOOR STABLEHLO_LOG
    STABLEHLO_MINIMUM STABLEHLO_NEGATE STABLEHLO_OR STABLEHLO_POWER STABLEHLO_REMAINDER STABLEHLO_RSQRT
    STABLEHLO_SELECT STABLEHLO_SUBTRACT STABLEHLO_TANH STABLEHLO_SCATTER STABLEHLO_COMPARE STABLEHLO_CONVERT
    STABLEHLO_DYNAMIC_SLICE STABLEHLO_DYNAMIC_UPDATE_SLICE STABLEHLO_PAD STABLEHLO_IOTA STABLEHLO_DOT_GENERAL
    STABLEHLO_REDUCE_WINDOW STABLEHLO_SORT STABLEHLO_WHILE STABLEHLO_GATHER STABLEHLO_TRANSPOSE DILATE
    STABLEHLO_RNG_BIT_GENERATOR REDUCE_WINDOW STABLEHLO_COMPOSITE STABLEHLO_SHIFT_LEFT STABLEHLO_CBRT STABLEHLO_CASE
""".split()
CUSTOM = "CUSTOM"  # what an operator that no runtime has by itself is among them
# Which of its inputs are an operator's data, weights and biases, which it may lack.
WEIGHTED_INPUTS = {
    "CONV_2D": (0, 1, 2), "DEPTHWISE_CONV_2D": (0, 1, 2), "FULLY_CONNECTED": (0, 1, 2), "TRANSPOSE_CONV": (2, 1, 3),
}  # fmt: skip
CASTS = ("DEQUANTIZE", "QUANTIZE")  # the same values in another type


@dataclass(frozen=True)
class GraphTensor:
    """A tensor.

    Attributes:
        shape: as it is until somebody resizes it.
        signature: the same, -1 for a size that is not fixed.
        dtype: `float32`, `int8`, ...
        scales: of its quantization: none, one, or one a channel.
        zero_points: likewise.
        is_constant: whether its values are in the file, as those of weights are.
        is_variable: whether it is a state that starts empty.
    """

    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    is_constant: bool
    is_variable: bool


@dataclass(frozen=True)
class GraphOperator:
    """An operator by name, and the numbers of the tensors that it takes and makes; optional ones may be left out.

    Attributes:
        version: of it, from 1 on.
        is_custom: whether it is none of the built-in ones.
    """

    name: str
    version: int
    is_custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """The main graph of a file; `inputs` and `outputs` are numbers of tensors.

    Attributes:
        others: how many further graphs there are, which only control flow needs.
    """

    tensors: tuple[GraphTensor, ...]
    operators: tuple[GraphOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: int

    def tensors_at(self, numbers: Iterable[int]) -> tuple[GraphTensor, ...]:
        """The tensors of these numbers."""
        return tuple(self.tensors[number] for number in numbers)


def read_graph(data: bytes, name: str) -> Graph:
    """Read the main graph of the .tflite file `data`; `name` is for messages.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        model = Table.root(data)
        graphs, buffers, codes = model.tables(8), model.tables(12), model.tables(6)
        graph = graphs[0]
        read = Graph(
            tensors=tuple(_tensor(tensor, buffers) for tensor in graph.tables(4)),
            operators=tuple(_operator(one, codes[one.scalar(4, "I")]) for one in graph.tables(10)),
            inputs=_indices(graph, 6),
            outputs=_indices(graph, 8),
            others=len(graphs) - 1,
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


def builtin_name(code: Table) -> str:
    """The name of a built-in operator, of what a file says of it among its operator codes; or `CUSTOM`."""
    # Files from before there were 128 operators have it in one byte, of which 127 means that the four bytes hold it.
    number = max(code.scalar(4, "b"), code.scalar(10, "i"))
    return _OPERATORS[number] if 0 <= number < len(_OPERATORS) else f"operator {number}"


def _indices(table: Table, slot: int) -> tuple[int, ...]:
    """Numbers of tensors; -1 stands for an optional one that is left out."""
    return tuple(int(index) for index in table.numbers(slot, "i") if index >= 0)


def _operator(operator: Table, code: Table) -> GraphOperator:
    name = builtin_name(code)
    is_custom = name == CUSTOM
    return GraphOperator(
        name=code.text(6) if is_custom else name,
        version=code.scalar(8, "i", 1),
        is_custom=is_custom,
        inputs=_indices(operator, 6),
        outputs=_indices(operator, 8),
    )


def _tensor(tensor: Table, buffers: list[Table]) -> GraphTensor:
    kind, quantization = tensor.scalar(6, "b"), tensor.table(12)
    buffer = buffers[tensor.scalar(8, "I")]
    shape, signature = (tuple(int(size) for size in tensor.numbers(slot, "i")) for slot in (4, 18))
    return GraphTensor(
        name=tensor.text(10),
        shape=shape,
        signature=signature or shape,
        dtype=_TYPES[kind] if 0 <= kind < len(_TYPES) else f"type {kind}",
        scales=quantization.numbers(8, "f") if quantization else (),
        zero_points=tuple(int(zero) for zero in quantization.numbers(10, "q")) if quantization else (),
        is_constant=has_content(buffer),
        is_variable=bool(tensor.scalar(14, "b")),
    )
