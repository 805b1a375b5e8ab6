"""Messages between a process and the child that runs a model for it: a length, then as many bytes."""

import socket
import struct

OK, REFUSED, NOTED = b"\x00", b"\x01", b"\x02"  # an answer begins with one; after the last comes another answer
_LENGTH = struct.Struct("<Q")
_MOST = 1 << 32  # bytes of a message: no model is as large


class GarbledError(ConnectionError):
    """What came is no message: something else writes to the channel."""


def send(channel: socket.socket, *parts: bytes | memoryview) -> None:
    """Send `parts` as one message.

    Raises:
        OSError: the other side has gone, or does not read in time.
    """
    size = sum(len(part) for part in parts)
    if size <= 1 << 16:  # one call for what is small
        channel.sendall(b"".join((_LENGTH.pack(size), *parts)))
        return
    channel.sendall(_LENGTH.pack(size))
    for part in parts:
        channel.sendall(part)


def receive(channel: socket.socket, most: int = _MOST) -> bytearray:
    """The next message, of at most so many bytes.

    Raises:
        OSError: the other side has gone, or sends nothing in time.
        GarbledError: what came is longer, or no message.
        EOFError: the other side has closed the channel.
    """
    (size,) = _LENGTH.unpack(_receive(channel, _LENGTH.size))
    if size > most:
        raise GarbledError(f"a message of {size} bytes")
    return _receive(channel, size)


def _receive(channel: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = channel.recv_into(view)
        if not count:
            raise EOFError("the other side has gone")
        view = view[count:]
    return data
