"""Constants that lie behind the tables of a flatbuffer, as litert-quantizer writes them from 256 KiB on.

What reads a flatbuffer's weights, to tune or to compare them, finds none there, and what edits it would move them.
"""

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from .flatbuffer import to_bytes


def has_constants_behind(flatbuffer: bytes) -> bool:
    """Whether there are any."""
    model = schema.Model.GetRootAs(flatbuffer, 0)
    return any(model.Buffers(place).Offset() > 1 for place in range(model.BuffersLength()))


def with_constants_inside(flatbuffer: bytes) -> bytes:
    """The same model with all constants in its tables."""
    if not has_constants_behind(flatbuffer):
        return flatbuffer
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    for buffer in model.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(flatbuffer, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return to_bytes(model, len(flatbuffer))
