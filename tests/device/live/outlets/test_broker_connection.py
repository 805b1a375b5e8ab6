"""A connection to what may be no broker: why it is none is told apart, and who gives it up leaves nothing behind."""

import contextlib
import socket
import threading

import pytest

from edgecnn.device.live.outlets.broker import parse_broker
from tests.support.ports import closed_port
from tests.support.waiting import PATIENCE

pytest.importorskip("paho.mqtt.client", reason="--mqtt needs edgecnn[mqtt]")
from edgecnn.device.live.outlets.broker_connection import BrokerConnection, BrokerError


def connection_to(port: int, host: str = "127.0.0.1") -> BrokerConnection:
    return BrokerConnection(parse_broker(f"mqtt://{host}:{port}"), "pi", 1000)


def reason(port: int, host: str = "127.0.0.1") -> str:
    """Why there is no connection to what answers there."""
    connection = connection_to(port, host)
    with pytest.raises(BrokerError) as raised:
        connection.open()
    connection.abandon()
    return str(raised.value)


def test_who_is_not_there_is_told_from_whose_name_cannot_be_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_port() as port:
        assert reason(port) == "Connection refused"
    for code, words in (
        (socket.EAI_NONAME, "there is no host of this name"),
        (socket.EAI_AGAIN, "its name cannot be looked up now (temporary failure in name resolution)"),
    ):
        error = socket.gaierror(code, "Temporary failure in name resolution")

        def fail(*_: object, error: socket.gaierror = error, **__: object) -> None:
            raise error

        monkeypatch.setattr(socket, "getaddrinfo", fail)
        assert reason(1883, "broker.example") == words


NONSENSE = "it sends what is no MQTT; is this the port of another program, or does it want TLS, mqtts://?"


@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x20\xff\xff\xff\xff\xff",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" * 9,
        b"\xf0\0",
        b"\x20",
    ],
    ids=["nothing", "length", "short", "long", "kind", "cut"],
)
def test_who_answers_nothing_is_told_from_who_answers_nonsense(
    answer: bytes, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = stays and answer in (b"", b"\x20", b"HTTP/1.1 400 Bad Request\r\n\r\n")  # for more, which does not come
    monkeypatch.setattr("edgecnn.device.live.outlets.broker_connection._PATIENCE", 2.0 if waits else PATIENCE)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(ConnectionError), server.accept()[0] as connection:
                connection.recv(4096)
                connection.sendall(answer)
                while stays and connection.recv(4096):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        told = reason(server.getsockname()[1])
    if answer:
        assert told == NONSENSE
    elif stays:
        assert told == "it takes the connection and does not answer"
    else:
        assert told == "it ended the connection without an answer; does it want TLS, mqtts://?"


def test_who_gives_a_connection_up_closes_it_without_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgecnn.device.live.outlets.broker_connection._PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = connection_to(server.getsockname()[1])
        with pytest.raises(BrokerError, match="does not answer"):
            connection.open()
        with server.accept()[0] as theirs:
            theirs.settimeout(10)
            connection.abandon()
            heard = b"".join(iter(lambda: theirs.recv(4096), b""))  # to the end, which would not come
    assert heard[0] == 0x10 and len(heard) == 2 + heard[1]  # CONNECT, and nothing behind it


def test_who_takes_leave_says_so_that_no_will_is_published() -> None:
    heard: list[bytes] = []

    def serve(server: socket.socket) -> None:
        with server.accept()[0] as theirs:
            theirs.settimeout(10)
            theirs.recv(4096)
            theirs.sendall(b"\x20\x03\0\0\0")  # CONNACK: let in
            heard.append(theirs.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,), daemon=True)
        thread.start()
        connection = connection_to(server.getsockname()[1])
        connection.open()
        connection.close()
        thread.join(20)
    # MQTT 5, 3.14: DISCONNECT; without a reason, or with 0, the will is gone.
    assert heard and heard[0][0] == 0xE0 and not any(heard[0][2:])


def test_a_broker_that_goes_over_to_nonsense_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = connection_to(server.getsockname()[1])

        def serve() -> None:
            with server.accept()[0] as theirs:
                theirs.recv(4096)
                theirs.sendall(b"\x20\x03\0\0\0" + b"\xf0\0")  # CONNACK: let in; and a packet that MQTT has not
                while theirs.recv(4096):
                    pass

        threading.Thread(target=serve, daemon=True).start()
        connection.open()
        with pytest.raises(BrokerError, match=r"^it sends what is no MQTT$"):
            connection.idle(PATIENCE)
