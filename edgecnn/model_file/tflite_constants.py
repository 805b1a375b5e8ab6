"""Weights of a .tflite file as real numbers, and the windows of its poolings, read without a runtime."""

import numpy as np
import numpy.typing as npt

from ..errors import ModelFileError
from .flatbuffer import DamagedFlatbufferError, Table
from .tflite_buffers import buffer_content
from .tflite_graph import GraphTensor

_DTYPES = {"float32": "<f4", "float16": "<f2", "int8": "<i1", "uint8": "<u1", "int16": "<i2", "int32": "<i4"}


def read_constant(data: bytes, index: int, tensor: GraphTensor, name: str) -> npt.NDArray[np.float32]:
    """The values of a constant, dequantized.

    Args:
        data: the .tflite file.
        index: the constant's number among the tensors of the main graph.
        tensor: what `read_graph` says of it; scales of its own are those of its first axis, as of a convolution or a
            dense layer.
        name: of the file, for messages.

    Returns:
        float32, the shape of `tensor`.

    Raises:
        ModelFileError: the file is damaged, or the values are of a type that is not read here.
    """
    if tensor.dtype not in _DTYPES:
        raise ModelFileError(f"{name}: the values of {tensor.name} are {tensor.dtype}, which is not read here")
    try:
        stored = _stored(data, index)
        values = np.frombuffer(stored, _DTYPES[tensor.dtype]).reshape(tensor.shape)
        if not tensor.scales:
            return values.astype(np.float32)
        of_axis = (-1,) + (1,) * (len(tensor.shape) - 1) if len(tensor.scales) > 1 else ()
        scales = np.array(tensor.scales, np.float32).reshape(of_axis)
        zeros = np.array(tensor.zero_points or (0,) * len(tensor.scales), np.int64).reshape(of_axis)
        return np.asarray((values.astype(np.int64) - zeros) * scales, np.float32).reshape(tensor.shape)
    except (DamagedFlatbufferError, IndexError, ValueError) as error:  # ValueError: sizes that do not fit
        raise ModelFileError(f"{name} is damaged ({tensor.name}: {error}); copy the file again") from None


def _stored(data: bytes, index: int) -> bytes:
    model = Table.root(data)
    return buffer_content(model.tables(12)[model.tables(8)[0].tables(4)[index].scalar(8, "I")])


def pooling_window(data: bytes, operator: int, name: str) -> tuple[int, int]:
    """Height and width of the window of a pooling, in positions of its input.

    Args:
        data: the .tflite file.
        operator: number of an AVERAGE_POOL_2D or MAX_POOL_2D in the main graph.
        name: of the file, for messages.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        options = Table.root(data).tables(8)[0].tables(10)[operator].table(12)
        return (options.scalar(12, "i"), options.scalar(10, "i")) if options else (0, 0)
    except (DamagedFlatbufferError, IndexError) as error:
        raise ModelFileError(f"{name} is damaged ({error}); copy the file again") from None
