"""Flatbuffers by TensorFlow's schema: names of operators, types of tensors, and the way back to bytes."""

from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.header import IDENTIFIER

_OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
DTYPES: dict[int, np.dtype[Any]] = {
    schema.TensorType.FLOAT32: np.dtype(np.float32),
    schema.TensorType.FLOAT16: np.dtype(np.float16),
    schema.TensorType.INT8: np.dtype(np.int8),
    schema.TensorType.UINT8: np.dtype(np.uint8),
    schema.TensorType.INT16: np.dtype(np.int16),
    schema.TensorType.INT32: np.dtype(np.int32),
    schema.TensorType.INT64: np.dtype(np.int64),
}


def operator_name(code: "schema.OperatorCode | schema.OperatorCodeT") -> str:
    """Its name in the schema, such as `CONV_2D`; its number, in words, where it is newer than the schema."""
    if isinstance(code, schema.OperatorCodeT):
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
    else:
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    return _OPERATOR_NAMES.get(number, f"operator {number}")


def to_bytes(model: "schema.ModelT", size: int) -> bytes:
    """The flatbuffer of a model that was unpacked.

    Args:
        model: as `schema.ModelT.InitFromPackedBuf` gives it.
        size: about as many bytes as it will take: more are found, but slowly.
    """
    builder = flatbuffers.Builder(size)
    builder.Finish(model.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())
