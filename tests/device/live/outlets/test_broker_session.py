"""What a broker answers to a message of a station, and a connection that ends between two of them."""

import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from edgecnn.device.live.outlets.broker import parse_broker
from tests.support.cameras import garment
from tests.support.few_lines import few_lines
from tests.support.live_messages import ReportedWatcher
from tests.support.waiting import until

pytest.importorskip("paho.mqtt.client", reason="--mqtt needs edgecnn[mqtt]")
from edgecnn.device.live.outlets.broker_connection import BrokerError
from edgecnn.device.live.outlets.broker_session import BrokerSession
from edgecnn.device.live.outlets.mqtt import Mqtt


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
    known = {"lab/pi/known": " ".join(told).replace("state", "known")}  # as a session before said it
    with few_lines(code) as (port, _):
        session = open_session(port, heard.append, known)
        session.send("lab/pi/state", "mine")
        session.send("lab/pi/state", "mine, half a minute later")  # what was said is not said again
        session.send("lab/pi/known", "mine")
        session.close()
    assert heard == told


@pytest.mark.parametrize("messages", [1, 3])
def test_what_is_sent_into_a_connection_that_was_reset_raises_that_it_is_gone(messages: int) -> None:
    """While the station was busy, so that it has not heard of it: writing is the first that notices."""
    with few_lines() as (port, taken):
        session = open_session(port)
        for _ in range(messages):
            session.send("lab/pi/state", "mine")
        reset(taken[0])
        with pytest.raises(BrokerError, match="gone"):
            session.send("lab/pi/state", "into nothing")
        with pytest.raises(BrokerError, match="gone"):
            session.send("lab/pi/state", "and once more")
        session.close()
        session.abandon()


@pytest.mark.parametrize("noise", [b"\x00" * 64, b"\x30\x02\x00\x09", b"\x40\x01\x00", b"\xf0\x00", b"\x20\x00"])
def test_leave_is_taken_of_a_broker_that_sends_what_is_no_mqtt(noise: bytes) -> None:
    with few_lines() as (port, taken):
        session = open_session(port)
        session.send("lab/pi/state", "mine")
        taken[0].sendall(noise)
        session.close()


def test_a_station_whose_connection_was_reset_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0.jpg").write_bytes(garment(0))
    with few_lines(clients=2) as (port, taken):
        station = ReportedWatcher(tmp_path, tmp_path / "counters.json", interval=0.1)
        save = station.reports.save

        def save_slowly() -> None:
            """As a worn card does: meanwhile the broker's machine resets the connection."""
            if len(station.told) == 1 and len(taken) == 1:
                reset(taken[0])
            save()

        monkeypatch.setattr(station.reports, "save", save_slowly)
        mqtt = Mqtt(parse_broker(f"mqtt://127.0.0.1:{port}"), station.reports, station.told.append, retry=0.05)
        try:
            assert until(lambda: len(station.told) == 3)
        finally:
            mqtt.close()
    assert ["cannot be used: it is gone; trying again" in one for one in station.told] == [False, True, False]


def reset(connection: socket.socket) -> None:
    """Break the connection off, as a machine does that was started anew."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)  # wakes who reads, and who closes it then
    assert until(lambda: connection.fileno() < 0)


def open_session(
    port: int, tell: Callable[[str], None] = lambda _: None, known: dict[str, str] | None = None
) -> BrokerSession:
    session = BrokerSession(
        parse_broker(f"mqtt://pi@127.0.0.1:{port}"), "edgecnn-pi", ("lab/pi/w", "gone"), tell, known
    )
    session.open()
    return session
