"""Small films, written with PyAV."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import av
import numpy as np

from edgecnn.arrays import Pixels

SIZE = 160, 120


def grays(count: int) -> list[Pixels]:
    """Frames of one gray each, 20 levels apart: whatever a codec does, they can be told from one another."""
    return [np.full((SIZE[1], SIZE[0], 3), 20 * number, np.uint8) for number in range(count)]


def write_film(path: Path, frames: Iterable[Pixels], codec: str = "mpeg4", rate: int = 25) -> Path:
    """A film of `frames`, (height, width, 3) RGB, which each can be decoded without the others."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.width, stream.height = SIZE
        stream.gop_size = 1
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path: Path) -> None:
    """Have an MP4 film say, as a telephone does, that it is to be shown turned by a quarter."""
    data = bytearray(path.read_bytes())
    # QuickTime: x' = a x + c y, y' = b x + d y, in 16.16 fixed point, of which a, b, u, c, d follow one another; what
    # points to the right is to point down.
    matrix = data.index(b"tkhd") + 4 + 4 + 20 + 16
    assert struct.unpack(">5i", data[matrix : matrix + 20]) == (1 << 16, 0, 0, 0, 1 << 16)
    data[matrix : matrix + 20] = struct.pack(">5i", 0, 1 << 16, 0, -1 << 16, 0)
    path.write_bytes(data)


def damage_packet(path: Path, number: int) -> None:
    """Overwrite one packet of a film, counted from 0."""
    with av.open(str(path)) as container:
        packet = [one for one in container.demux(video=0) if one.size][number]
        assert packet.pos is not None
        position, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    data[position : position + size] = b"\xff" * size
    path.write_bytes(data)
