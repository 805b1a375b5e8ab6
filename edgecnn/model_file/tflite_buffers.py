"""What the buffers of a .tflite file hold: in them, or behind all tables, where an offset from the file's start points.

Large models have their constants there: litert-quantizer writes those of 256 KiB and more so.
"""

import struct
from collections.abc import Iterable, Iterator

from ..errors import ModelFileError
from .flatbuffer import DamagedFlatbufferError, Table

_OFFSET, _SIZE = 6, 8  # of a Buffer; 0 and 1 stand for none
_LARGE_CUSTOM_OPTIONS = 22  # of an Operator, likewise
_LARGEST = 2**63  # beyond it, no file has a byte


def has_content(buffer: Table) -> bool:
    """Whether a buffer holds anything, as that of a constant does."""
    return buffer.length(4) > 0 or buffer.scalar(_OFFSET, "Q") > 1


def buffer_content(buffer: Table) -> bytes:
    """The bytes of a buffer, wherever they lie; empty where it has none."""
    start, size = buffer.scalar(_OFFSET, "Q"), buffer.scalar(_SIZE, "Q")
    return buffer.data[start : start + size] if start > 1 else buffer.octets(4)


def with_offsets_raised(flatbuffer: bytes, by: int) -> bytes:
    """A .tflite file whose offsets from its start are larger by so many bytes, which will be put before what they mean.

    Raises:
        ModelFileError: the file is damaged.
    """
    try:
        model = Table.root(flatbuffer)
        operators = [operator for graph in model.tables(8) for operator in graph.tables(10)]
        offsets = dict((*_offsets(model.tables(12), _OFFSET), *_offsets(operators, _LARGE_CUSTOM_OPTIONS)))
    except DamagedFlatbufferError as error:
        raise ModelFileError(f"the model is damaged ({error}); convert it again") from None
    raised = bytearray(flatbuffer)
    for place, offset in offsets.items():
        struct.pack_into("<Q", raised, place, offset + by)
    return bytes(raised)


def _offsets(tables: Iterable[Table], slot: int) -> Iterator[tuple[int, int]]:
    """The offsets that count from the start of the file, behind the byte where each stands."""
    found = ((table.place(slot), table.scalar(slot, "Q")) for table in tables)
    return ((place, offset) for place, offset in found if 1 < offset <= _LARGEST)
