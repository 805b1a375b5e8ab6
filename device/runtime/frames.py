"""Messages between a process and the child that runs a model for it: a length, then as many bytes."""

import socket
import struct

OK, REFUSED, NOTED = b"\x00", b"\x01", b"\x02"  # an answer begins with one; after the last comes another answer
_LENGTH = struct.Struct("<Q")


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


def receive(channel: socket.socket) -> bytearray:
    """The next message.

    Raises:
        OSError: the other side has gone, or sends nothing in time.
        EOFError: the other side has closed the channel.
    """
    (size,) = _LENGTH.unpack(_receive(channel, _LENGTH.size))
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
