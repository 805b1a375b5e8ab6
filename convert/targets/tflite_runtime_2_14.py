"""tflite-runtime 2.14, the newest that 32-bit Raspberry Pi OS has: older operators, and a fault in dense layers."""

import dataclasses
from typing import TYPE_CHECKING

from edgecnn.errors import EdgecnnError
from edgecnn.model_file.schemes import SCHEMES

from .target import ExportSettings, Target

if TYPE_CHECKING:
    from edgecnn.model_file.tflite_graph import Graph
    from edgecnn.pixels.input_spec import InputSpec

# Measured: a model that names the operator in a version was opened with the runtime, version by version from 1, until
# it said that it does not know it.
_OPERATORS_BY_VERSION = {
    1: (
        "ADD_N ASSIGN_VARIABLE ATAN2 BITCAST BITWISE_XOR BROADCAST_ARGS BUCKETIZE CALL_ONCE CEIL COMPLEX_ABS "
        "CONV_3D CONV_3D_TRANSPOSE COS CUMSUM DENSIFY DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP_SPARSE "
        "EXPAND_DIMS FLOOR HARD_SWISH HASHTABLE HASHTABLE_FIND HASHTABLE_IMPORT HASHTABLE_LOOKUP "
        "HASHTABLE_SIZE IF IMAG L2_POOL_2D LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT "
        "LOGICAL_OR LSH_PROJECTION MATRIX_DIAG MATRIX_SET_DIAG MULTINOMIAL NEG NON_MAX_SUPPRESSION_V4 "
        "NON_MAX_SUPPRESSION_V5 ONE_HOT POW PRELU RANDOM_STANDARD_NORMAL RANDOM_UNIFORM RANK READ_VARIABLE "
        "REAL REDUCE_ALL REDUCE_ANY RELU_0_TO_1 RELU_N1_TO_1 RESHAPE REVERSE_SEQUENCE RFFT2D RIGHT_SHIFT "
        "ROUND SCATTER_ND SEGMENT_SUM SHAPE SIN SKIP_GRAM SQRT SQUARE UNIQUE UNSORTED_SEGMENT_MAX "
        "UNSORTED_SEGMENT_MIN UNSORTED_SEGMENT_PROD UNSORTED_SEGMENT_SUM VAR_HANDLE WHILE ZEROS_LIKE"
    ),
    2: (
        "DEPTH_TO_SPACE DIV EXP FAKE_QUANT FLOOR_MOD GELU GREATER L2_NORMALIZATION LEAKY_RELU LESS_EQUAL "
        "LOG_SOFTMAX RANGE REDUCE_PROD RSQRT SELECT_V2 SIGN SPACE_TO_DEPTH SPLIT_V SQUARED_DIFFERENCE SQUEEZE "
        "SUM WHERE"
    ),
    3: (
        "ARG_MAX ARG_MIN AVERAGE_POOL_2D BIDIRECTIONAL_SEQUENCE_LSTM BIDIRECTIONAL_SEQUENCE_RNN BROADCAST_TO "
        "EMBEDDING_LOOKUP FLOOR_DIV GREATER_EQUAL LESS LOGISTIC MAX_POOL_2D MEAN MIRROR_PAD NOT_EQUAL "
        "QUANTIZE REDUCE_MAX REDUCE_MIN RELU RELU6 REVERSE_V2 RNN SOFTMAX SPARSE_TO_DENSE TANH TILE TOPK_V2 "
        "UNIDIRECTIONAL_SEQUENCE_RNN"
    ),
    4: (
        "BATCH_MATMUL BATCH_TO_SPACE_ND CONCATENATION EQUAL FILL GATHER_ND LSTM MAXIMUM MINIMUM PACK PAD "
        "PADV2 RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR SELECT SPACE_TO_BATCH_ND SPLIT SVDF TRANSPOSE_CONV "
        "UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK"
    ),
    5: ("ABS ADD CAST DEQUANTIZE SUB"),
    6: ("GATHER SLICE TRANSPOSE"),
    7: ("CONV_2D DEPTHWISE_CONV_2D MUL"),
    8: ("STRIDED_SLICE"),
    10: ("FULLY_CONNECTED"),
}

# Highest version of every built-in operator that it runs.
HIGHEST_VERSION = {name: version for version, names in _OPERATORS_BY_VERSION.items() for name in names.split()}


class TFLiteRuntime214(Target):
    """tflite-runtime 2.14."""

    name = "tflite-runtime-2.14"

    def settings(self, requested: ExportSettings, spec: "InputSpec") -> ExportSettings:
        """Dynamic dense layers get one scale: with more it computes them wrongly; see `Target.settings`."""
        per_tensor = requested.dense_per_tensor or SCHEMES[requested.scheme].is_dynamic
        return dataclasses.replace(requested, dense_per_tensor=per_tensor)

    def require_supported(self, graph: "Graph") -> None:
        """No newer operator, no dynamic dense layer with several scales; see `Target.require_supported`."""
        for operator in graph.operators:
            highest = HIGHEST_VERSION.get(operator.name, 0)
            if operator.version > highest:
                raise EdgecnnError(
                    f"tflite-runtime-2.14 runs {operator.name} up to version {highest}, the converted model has "
                    f"version {operator.version}; use another scheme, or LiteRT on the device"
                )
            if operator.name != "FULLY_CONNECTED":
                continue
            fed, weights = graph.tensors_at(operator.inputs[:2])
            if fed.dtype == "float32" and len(weights.scales) > 1:
                raise EdgecnnError(
                    "tflite-runtime-2.14 computes dynamic dense layers with one scale a channel wrongly, "
                    f"{weights.name} has {len(weights.scales)}; use --dense-per-tensor"
                )


TARGET = TFLiteRuntime214()
