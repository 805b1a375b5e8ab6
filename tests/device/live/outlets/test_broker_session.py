"""What a broker answers to a message of a station."""

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from edgecnn.device.live.outlets.broker import parse_broker
from tests.support.waiting import PATIENCE

pytest.importorskip("paho.mqtt.client", reason="--mqtt needs edgecnn[mqtt]")
from edgecnn.device.live.outlets.broker_session import BrokerSession


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0x00, []),
        (0x10, []),  # nobody listens, which is no matter: it is retained
        (0x87, ["the MQTT broker does not let pi write to lab/pi/state"]),
        (0x97, ["the MQTT broker does not take what is written to lab/pi/state (quota exceeded)"]),
        (0x80, ["the MQTT broker does not take what is written to lab/pi/state (unspecified error)"]),
    ],
)
def test_what_a_broker_answers_to_a_message_is_told_where_it_refuses(code: int, told: list[str]) -> None:
    """A broker of a few lines: mosquitto gives no other reason than an ACL."""
    heard: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(PATIENCE)

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(PATIENCE)
                while packet := read_packet(connection):
                    kind, body = packet
                    if kind == 1:  # CONNECT
                        connection.sendall(bytes((0x20, 3, 0, 0, 0)))
                    elif kind == 8:  # SUBSCRIBE
                        connection.sendall(bytes((0x90, 4, *body[:2], 0, 1)))
                    elif kind == 3:  # PUBLISH: its number stands behind the topic
                        number = 2 + int.from_bytes(body[:2], "big")
                        connection.sendall(bytes((0x40, 3, *body[number : number + 2], code)))

        served = pool.submit(serve)
        target = parse_broker(f"mqtt://pi@127.0.0.1:{server.getsockname()[1]}")
        known = {"lab/pi/known": " ".join(told).replace("state", "known")}  # as a session before said it
        session = BrokerSession(target, "edgecnn-pi", ("lab/pi/w", "gone"), heard.append, known)
        session.open()
        session.send("lab/pi/state", "mine")
        session.send("lab/pi/state", "mine, half a minute later")  # what was said is not said again
        session.send("lab/pi/known", "mine")
        session.close()
        served.result(PATIENCE)
    assert heard == told


def read_packet(connection: socket.socket) -> tuple[int, bytes] | None:
    """Kind and body of the next packet of MQTT, of 127 bytes at most; None at the end, or where it takes leave."""
    head = connection.recv(2, socket.MSG_WAITALL)
    if len(head) < 2 or head[0] >> 4 == 14:
        return None
    return head[0] >> 4, connection.recv(head[1], socket.MSG_WAITALL)
