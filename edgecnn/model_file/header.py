"""Where in a .tflite file the flatbuffer ends; container.py has the whole picture."""

import re
import struct

from ..errors import ModelFileError

IDENTIFIER = b"TFL3"
HEADER = struct.Struct("<8sQ")
MAGIC = b"edgecnn\x01"
HEADER_AT = 8
DAMAGED = "copy the file again or convert the model again"

# A zip's local file header is 30 bytes, then the member's name; the card is the first member.
_TAIL_START = re.compile(rb"PK\x03\x04.{26}card\.json", re.DOTALL)


def split_file(data: bytes, name: str) -> tuple[bytes, bytes | None]:
    """The flatbuffer, and what is packed behind it; None for a file that carries nothing.

    Raises:
        ModelFileError: no TFLite model, or truncated.
    """
    _require_flatbuffer(data, name)
    if data[HEADER_AT : HEADER_AT + len(MAGIC)] == MAGIC:
        (_, length) = HEADER.unpack_from(data, HEADER_AT)
        if length >= len(data):
            raise ModelFileError(
                f"{name} is truncated: it must have more than {length} bytes, here are {len(data)}; {DAMAGED}"
            )
        return data[:length], data[length:]
    # No header: another tool may have rewritten the flatbuffer and carried the tail over.
    tail = _TAIL_START.search(data)
    return (data[: tail.start()], data[tail.start() :]) if tail else (data, None)


def _require_flatbuffer(data: bytes, name: str) -> None:
    if not data:
        raise ModelFileError(f"{name} is empty (0 bytes); {DAMAGED}")
    if data[4:8] != IDENTIFIER:
        raise ModelFileError(f"{name} {_other(data)}")
    if len(data) < HEADER_AT + HEADER.size or struct.unpack_from("<I", data)[0] + 4 > len(data):
        raise ModelFileError(f"{name} is truncated ({len(data)} bytes); {DAMAGED}")


def _other(data: bytes) -> str:
    from .other_formats import START_BYTES, describe_format, is_keras

    start = data[:START_BYTES]
    if is_keras(start):
        return "is not a TFLite model but one of Keras; edgecnn convert makes a .tflite file of it"
    return describe_format(start) or 'is not a TFLite model (no "TFL3" at byte 4); give a .tflite file'
