"""All that a real broker keeps is read, whatever it drops on the way, and whatever else was written there."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgecnn import EdgecnnError
from edgecnn.device.live.outlets.broker import Broker, parse_broker
from edgecnn.fleet.fleet import Fleet
from tests.support.brokers import RealBroker, broker, listening, needs_mosquitto
from tests.support.fleets import keep, state, station
from tests.support.ports import closed_port

pytestmark = needs_mosquitto

from edgecnn.fleet.reading import read_fleet  # noqa: E402


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealBroker]:
    with broker(tmp_path) as one:
        yield one


def target(server: RealBroker, prefix: str = "edgecnn") -> Broker:
    return parse_broker(f"mqtt://127.0.0.1:{server.port}/{prefix}")


def read(server: RealBroker, prefix: str = "edgecnn") -> Fleet:
    return read_fleet(target(server, prefix), quiet=0.3)


def test_each_station_is_read_under_its_prefix_in_the_order_of_numbers(server: RealBroker) -> None:
    for prefix in ("edgecnn", "a/b"):
        for number in (10, 9, 2):
            keep(server.port, station(f"{prefix[0]}-{number}", frames=10 * number), prefix)
    fleet = read(server, "a/b")
    assert [one.name for one in fleet.devices] == ["a-2", "a-9", "a-10"] and fleet.complete
    assert [one.counters.frames for one in fleet.devices if one.counters] == [20, 90, 100]
    assert {one.availability for one in fleet.devices} == {"online"} and fleet.source.endswith(", a/b/...")
    assert all(one.state is not None and one.state.temperature == 51.5 for one in fleet.devices)
    assert [one.name for one in fleet.only("*-9").devices] == ["a-9"]
    keep(server.port, {f"a-2/{kind}": "" for kind in ("availability", "state", "counters")}, "a/b")
    assert [one.name for one in read(server, "a/b").devices] == ["a-9", "a-10"]


def test_what_a_broker_drops_is_asked_for_again(tmp_path: Path) -> None:
    """Here it keeps 20 messages for a reader whose line is full, and each fills the line."""
    lines = ("allow_anonymous true", "max_queued_messages 20")
    with broker(tmp_path, *lines) as one:
        long, count = "x" * 900, 150
        told: dict[str, Any] = {}
        for number in range(count):
            told |= station(f"pi-{number}", 100, source=long * 30)
        keep(one.port, told)
        with listening(one.port, "edgecnn/#") as listener:
            time.sleep(0.5)
            assert len(listener.heard) < 3 * count  # as it would be without asking again
        fleet = read_fleet(target(one), quiet=0.5)
    whole = [device for device in fleet.devices if device.state and device.counters and device.availability]
    assert len(whole) == len(fleet.devices) == count and fleet.complete


def test_what_else_was_written_there_is_named_and_harms_nothing(server: RealBroker) -> None:
    keep(server.port, station("well"))
    hostile: dict[str, str | bytes] = {
        "not-json/state": "{",
        "not-json/counters": b"\xff\xfe",
        "nan/counters": json.dumps({"frames": float("nan")}),
        "huge/state": b"[" * 3_000_000,
        "deep/state": b"[" * 900_000,
        "word/availability": "hello",
        "<b>x/state": json.dumps(state("x")),
        "a b/state": "1",
        "\u202egnp/state": "1",
        **{f"strange.{number}/availability": "online" for number in range(2000)},
    }
    keep(server.port, hostile)
    fleet = read(server)
    told = {one.name: [words for _, words in one.unread] for one in fleet.devices}
    assert told["well"] == [] and fleet.complete and fleet.strangers == 2003 and len(fleet.examples) == 20
    assert told["not-json"] == [f"its message {kind} does not read: it is not JSON" for kind in ("state", "counters")]
    assert "3,000,000 bytes" in told["huge"][0] and "not JSON" in told["deep"][0] and "not JSON" in told["nan"][0]
    assert "neither online nor offline" in told["word"][0]


def test_a_message_that_comes_meanwhile_takes_the_place_of_the_one_before(server: RealBroker) -> None:
    keep(server.port, station("pi", model="old"))
    keep(server.port, {"pi/state": state("pi", model="new")})
    (device,) = read(server).devices
    assert device.state is not None and device.state.model == "new"
    keep(server.port, {"pi/state": "nonsense"})
    (device,) = read(server).devices
    assert device.state is None and len(device.unread) == 1 and device.counters is not None


def test_a_fleet_that_never_stops_talking_is_read_all_the_same(server: RealBroker) -> None:
    keep(server.port, station("pi"))
    with listening(server.port) as talker:
        text, stop = json.dumps(state("new")), threading.Event()

        def talk() -> None:
            while not stop.wait(0.005):
                talker.client.publish("edgecnn/new/state", text, retain=True)

        thread = threading.Thread(target=talk)
        thread.start()
        fleet = read(server)
        stop.set()
        thread.join()
    assert [one.name for one in fleet.devices] == ["new", "pi"] and fleet.complete


def test_where_nobody_has_told_anything_the_fleet_is_empty_and_what_is_late_is_told(server: RealBroker) -> None:
    fleet = read(server, "nobody")
    assert fleet.devices == () and fleet.complete
    assert not read_fleet(target(server), timeout=0.05, quiet=5).complete


def test_no_broker_is_one_sentence() -> None:
    words = r"the MQTT broker at 127\.0\.0\.1:\d+ cannot be used: Connection refused; check that it runs"
    with closed_port() as port, pytest.raises(EdgecnnError, match=words):
        read_fleet(parse_broker(f"mqtt://127.0.0.1:{port}"))
