"""Ports of the loopback on which nobody listens."""

import contextlib
import socket
from collections.abc import Iterator


def free_port() -> int:
    """One that a server may take, soon: another program may be faster."""
    with closed_port() as port:
        return port


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """One that refuses connections; for the block no other program can take it."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
