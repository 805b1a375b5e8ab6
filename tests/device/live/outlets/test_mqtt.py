"""What arrives at a real broker, whatever becomes of it, while the frames go on."""

import itertools
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
from jsonschema import Draft202012Validator

from edgecnn.device.live.outlets.broker import Broker, parse_broker
from tests.support.brokers import Listener, RealBroker, broker, listening, needs_mosquitto
from tests.support.cameras import garment
from tests.support.live_messages import ReportedWatcher
from tests.support.waiting import until

pytestmark = needs_mosquitto
SCHEMAS = Path(__file__).parents[4] / "docs" / "reference" / "schemas" / "v1"

from edgecnn.device.live.outlets.mqtt import Mqtt  # noqa: E402


class Station(ReportedWatcher):
    """A watcher of garments, each frame of another class than the one before, and its outlet; it runs in the block."""

    def __init__(self, target: Broker, counters: Path, garments: Path, announce: bool) -> None:
        super().__init__(garments, counters, interval=0.1)
        self.mqtt = Mqtt(target, self.reports, self.told.append, announce=announce, retry=0.05)
        self.watcher.change_listeners.append(self.mqtt)
        self._thread = threading.Thread(target=self.watcher.run, name="watcher of a test", daemon=True)

    def __enter__(self) -> "Station":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watcher.stop()
        self._thread.join(5)
        self.mqtt.close()

    def goes_on(self) -> bool:
        before = self.watcher.status.frames
        return until(lambda: self.watcher.status.frames > before + 5)


@pytest.fixture(scope="module")
def garments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("garments")
    for number in range(2):
        (folder / f"{number}.jpg").write_bytes(garment(2 * number))
    return folder


@pytest.fixture
def start(garments: Path, tmp_path: Path) -> Callable[..., Station]:
    def make(port: int, counters: str = "counters.json", announce: bool = True) -> Station:
        return Station(parse_broker(f"mqtt://127.0.0.1:{port}/lab"), tmp_path / counters, garments, announce)

    return make


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealBroker]:
    with broker(tmp_path) as one:
        yield one


def grow(counters: list[dict[str, Any]]) -> bool:
    """Whether nothing is ever less than in the message before."""
    pairs = itertools.pairwise(counters)
    return all(
        before["frames"] <= after["frames"]
        and all(count <= after["classes"][label] for label, count in before["classes"].items())
        for before, after in pairs
    )


def was_said(listener: Listener, word: str, times: int) -> bool:
    """Whether a station is said to be online or offline so many times."""
    return until(lambda: listener.texts("/availability").count(word) == times)


def test_a_broker_that_is_killed_costs_no_frame_no_change_and_no_count(
    tmp_path: Path, start: Callable[..., Station], server: RealBroker
) -> None:
    with listening(server.port) as listener:
        with start(server.port) as station:
            assert until(lambda: len(listener.of("/counters")) > 2 and listener.of("/result"))
            server.kill()
            assert until(lambda: "cannot be used" in station.told[-1])
            assert station.goes_on()
            server.start()
            since = len(listener.heard)
            assert until(lambda: any(topic.endswith("/counters") for topic, _, _ in listener.heard[since:]))
            frames = [row["frame"] for row in listener.of("/result")]
            assert until(lambda: listener.of("/result")[-1]["frame"] > frames[-1])
        assert until(lambda: listener.texts("/availability")[-1] == "offline")
        counters, results = listener.of("/counters"), listener.of("/result")
    final = counters[-1]
    assert grow(counters) and final["frames"] == station.watcher.status.frames == sum(final["classes"].values())
    assert final["changes"] == station.watcher.status.frames == sum(final["scores"])  # each frame is another class
    frames = [row["frame"] for row in results]
    assert frames == sorted(frames) and station.mqtt.lost == 0
    # The listener was away as well, once; what the broker confirmed meanwhile it could not hear.
    assert sum(after - before > 1 for before, after in itertools.pairwise(frames)) <= 1
    assert frames[-1] == final["frames"] and station.mqtt.waiting == 0
    assert [one.endswith("is told, in topics lab/pi-1/...") for one in (station.told[0], station.told[-1])] == [
        True,
        True,
    ]
    for name in ("state", "result", "counters"):
        validator = Draft202012Validator(json.loads((SCHEMAS / f"mqtt-{name}.schema.json").read_text()))
        heard = listener.of(f"/{name}")
        assert heard and all(map(validator.is_valid, heard))


def test_a_broker_that_hangs_holds_up_no_frame_and_no_end(start: Callable[..., Station], server: RealBroker) -> None:
    with start(server.port) as station:
        assert until(lambda: station.told)
        server.signal(signal.SIGSTOP)
        assert station.goes_on() and until(lambda: station.mqtt.waiting > 3)
        station.watcher.stop()
        began = time.monotonic()
        station.mqtt.close(timeout=0.3)
        assert time.monotonic() - began < 10
        server.signal(signal.SIGCONT)


def test_what_waits_for_a_broker_arrives_in_order_and_is_bounded(start: Callable[..., Station], tmp_path: Path) -> None:
    server = RealBroker(tmp_path, "allow_anonymous true")
    with start(server.port) as station:
        assert until(lambda: station.mqtt.lost > 20)
        server.start()
        with listening(server.port) as listener:
            assert until(lambda: listener.of("/state") and len(listener.of("/result")) > 100)
            rows = listener.of("/result")
        server.kill()
    frames = [row["frame"] for row in rows]
    assert frames == sorted(set(frames)) and station.mqtt.waiting <= 100
    assert [row["previous"] for row in rows[1:]] == [row["label"] for row in rows[:-1]]  # none is missing in between
    assert len([sentence for sentence in station.told if "refused" in sentence]) == 1


def test_counters_go_on_in_the_next_process_and_begin_anew_where_the_file_is_damaged(
    start: Callable[..., Station], server: RealBroker, tmp_path: Path
) -> None:
    totals, told = [], list[str]()
    with listening(server.port) as listener:
        for round in range(3):
            if round == 2:
                (tmp_path / "counters.json").write_bytes((tmp_path / "counters.json").read_bytes()[:-9])
            with start(server.port) as station:
                assert was_said(listener, "online", round + 1) and station.goes_on()
            assert was_said(listener, "offline", round + 1)
            told = station.told
            totals.append((station.watcher.status.frames, listener.of("/counters")[-1]))
    (first, one), (second, both), (third, anew) = totals
    assert one["frames"] == first and both["frames"] == first + second == sum(both["classes"].values())
    assert one["id"] == both["id"] != anew["id"] and both["since"] == one["since"] < anew["since"]
    assert anew["frames"] == third and "counting begins anew" in told[0]


def test_home_assistant_is_told_again_when_it_starts_and_nothing_else_is_taken_from_it(
    start: Callable[..., Station], server: RealBroker
) -> None:
    with listening(server.port) as listener, start(server.port) as station:
        assert until(lambda: "online" in listener.texts("/availability"))
        configurations = listener.of("/config")
        assert len(configurations) == len({one["unique_id"] for one in configurations}) == 10
        for hostile in (b"x" * 1_000_000, b"\xff\xfe", b"ONLINE", b'{"online": 1}', b"", b"online\0"):
            listener.client.publish("homeassistant/status", hostile, qos=1).wait_for_publish(5)
        assert station.goes_on() and len(listener.of("/config")) == 10
        for _ in range(50):
            listener.client.publish("homeassistant/status", b"online", qos=1)
        assert until(lambda: len(listener.of("/config")) == 20)
        time.sleep(0.3)
        assert len(listener.of("/config")) == 20 and station.goes_on() and len(station.told) == 1


def test_entities_read_what_is_sent(start: Callable[..., Station], server: RealBroker) -> None:
    with start(server.port), listening(server.port, "lab/#") as waiting:
        assert until(lambda: waiting.of("/counters") and waiting.of("/counters")[-1]["frames"] > 0)
        with listening(server.port) as listener:  # one that comes later finds all of it retained
            assert until(
                lambda: len(listener.of("/config")) == 10 and listener.of("/result") and listener.of("/counters")
            )
    newest = {topic: payload for topic, _, payload in listener.heard}
    shown = {}
    for configuration in listener.of("/config"):
        template = jinja2.Template(configuration["value_template"])
        payload = json.loads(newest[configuration["state_topic"]])
        shown[configuration["unique_id"].removeprefix("edgecnn_pi-1_")] = template.render(value_json=payload)
        assert configuration["availability_topic"] == "lab/pi-1/availability" and configuration["origin"]["name"]
        assert configuration.get("json_attributes_topic", "lab/pi-1/state") in newest
    result, state = (json.loads(newest[f"lab/pi-1/{name}"]) for name in ("result", "state"))
    assert shown["answer"] == result["label"] and float(shown["score"]) == pytest.approx(
        100 * result["score"], abs=0.05
    )
    assert shown["source"] == "ON" and shown["drift"] == ("ON" if state["drift"] else "OFF")
    assert shown["verified"] == "OFF" and shown["temperature"] == str(state["temperature"])
    assert shown["last_frame"] == state["last_frame"] and int(shown["frames"]) > 0


def test_discovery_can_be_left_out(start: Callable[..., Station], server: RealBroker) -> None:
    with listening(server.port) as listener, start(server.port, announce=False):
        assert until(lambda: "online" in listener.texts("/availability"))
        assert not listener.of("/config")


def test_two_stations_of_one_name_are_told(start: Callable[..., Station], server: RealBroker) -> None:
    with start(server.port) as one:
        assert until(lambda: len(one.told) == 1)
        with start(server.port, counters="others.json") as other:
            assert until(lambda: any("--mqtt-device" in sentence for sentence in [*one.told, *other.told]))
            assert one.goes_on() and len([*one.told, *other.told]) <= 10
