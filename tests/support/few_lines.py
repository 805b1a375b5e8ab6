"""A broker of a few lines, which answers what mosquitto never does."""

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.support.waiting import PATIENCE


@contextlib.contextmanager
def few_lines(code: int = 0, clients: int = 1, granted: bytes = b"\x01") -> Iterator[tuple[int, list[socket.socket]]]:
    """A broker for so many clients, one after the other; its port, and who came.

    Args:
        code: what it answers to messages.
        clients: after so many it is done.
        granted: what it answers to each topic that a client asks for at once.
    """
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(PATIENCE)

        def serve() -> None:
            for _ in range(clients):
                connection, _ = server.accept()
                taken.append(connection)
                with connection, contextlib.suppress(OSError):  # one that was reset
                    connection.settimeout(PATIENCE)
                    while packet := read_packet(connection):
                        answer(connection, *packet, code, granted)

        served = pool.submit(serve)
        yield server.getsockname()[1], taken
        served.result(PATIENCE)


def answer(connection: socket.socket, kind: int, body: bytes, code: int, granted: bytes) -> None:
    """What a broker answers to a packet."""
    if kind == 1:  # CONNECT
        connection.sendall(bytes((0x20, 3, 0, 0, 0)))
    elif kind == 8:  # SUBSCRIBE
        connection.sendall(bytes((0x90, 3 + len(granted), *body[:2], 0, *granted)))
    elif kind == 3:  # PUBLISH: its number stands behind the topic
        number = 2 + int.from_bytes(body[:2], "big")
        connection.sendall(bytes((0x40, 3, *body[number : number + 2], code)))


def read_packet(connection: socket.socket) -> tuple[int, bytes] | None:
    """Kind and body of the next packet of MQTT; None at the end, or where it takes leave."""
    head = connection.recv(1, socket.MSG_WAITALL)
    if not head or head[0] >> 4 == 14:
        return None
    length = shift = 0
    more = True
    while more:  # seven bits a byte, the lowest first
        (byte,) = connection.recv(1, socket.MSG_WAITALL)
        length, shift, more = length | (byte & 127) << shift, shift + 7, byte > 127
    return head[0] >> 4, connection.recv(length, socket.MSG_WAITALL)
