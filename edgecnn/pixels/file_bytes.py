"""The bytes of an image file, of no more than memory has room for: a device never ends, and a film fills it."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError
from .memory import require_memory

# 120 megapixels of four channels of 16 bits take 960 MB uncompressed.
_MOST_BYTES = 1 << 30
_CHUNK_BYTES = 1 << 20


def read_image_file(path: str | Path) -> bytes:
    """What lies in a file; a pipe is read to its end.

    Raises:
        OSError: it is missing, or cannot be read.
        ValueError: it is no path.
        InputError: it is a device, or too large for memory.
    """
    status = os.stat(path)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        raise InputError(f"{path} is a device, not an image; give a PNG or JPEG file")
    with open(path, "rb") as file:
        if not stat.S_ISREG(status.st_mode):
            return read_stream(file, str(path))
        _require_room(status.st_size, str(path))
        return file.read()


def read_stream(stream: BinaryIO, name: str) -> bytes:
    """What comes until `stream` ends; `name` is for messages.

    Raises:
        OSError: it cannot be read.
        InputError: it is too large for memory.
    """
    data = bytearray()
    while chunk := stream.read(_CHUNK_BYTES):
        data += chunk
        _require_room(len(data), name)
    return bytes(data)


def _require_room(size: int, name: str) -> None:
    if size > _MOST_BYTES:
        raise InputError(f"{name} has more than {_MOST_BYTES >> 20:,} MiB: no photograph has; give a PNG or JPEG file")
    require_memory(size, name, "to be read")
