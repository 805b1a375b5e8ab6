"""How large a model would be in float32, without converting it once more."""

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from edgecnn.model_file.container import add_header
from edgecnn.model_file.tflite_graph import CASTS

from .flatbuffer import operator_name, to_bytes

_BYTES = {schema.TensorType.INT8: 1, schema.TensorType.INT16: 2, schema.TensorType.FLOAT16: 2}


def float32_size(flatbuffer: bytes) -> int:
    """Bytes of the same graph with 4 bytes a weight, without scales, and without operators that only cast.

    Args:
        flatbuffer: of any scheme.
    """
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for subgraph in model.subgraphs:
        subgraph.operators = [
            operator
            for operator in subgraph.operators
            if operator_name(model.operatorCodes[operator.opcodeIndex]) not in CASTS
        ]
        for tensor in subgraph.tensors:
            tensor.quantization = None
            buffer, width = model.buffers[tensor.buffer], _BYTES.get(tensor.type)
            size = len(buffer.data) if buffer.data is not None else buffer.size  # or it lies behind the flatbuffer
            if size and tensor.buffer:
                buffer.data = np.zeros(size // width * 4 if width else size, np.uint8)
                buffer.offset = buffer.size = 0
                tensor.type = schema.TensorType.FLOAT32 if width else tensor.type
    return len(add_header(to_bytes(model, len(flatbuffer))))
