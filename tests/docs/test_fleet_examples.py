"""The files of examples/fleet, run by the programs that they are for: Mosquitto, openssl, promtool, edgecnn."""

import gc
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from edgecnn.device.live.outlets.broker import parse_broker
from tests.support.brokers import RealBroker, broker, listening, needs_mosquitto
from tests.support.command_line import Outcome, Run, printed
from tests.support.fleets import state
from tests.support.live_messages import messages
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
FILES = ROOT / "examples" / "fleet"
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates")
# paho leaves the socket of a handshake that failed to Python.
careless = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"
)
WATCHING = ("live", "fashion-mnist", "--source", "samples", "--no-page", "--fps", "50", "--frames")


def make(folder: Path, *names: str) -> "subprocess.CompletedProcess[str]":
    command = ["sh", str(FILES / "certificates.sh"), str(folder), *names]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    made = make(folder, "127.0.0.1", "operator", "homeassistant", "shop-door", "gate")
    assert made.returncode == 0 and len(made.stdout.splitlines()) == 5, made.stderr
    assert make(folder.with_name("others"), "127.0.0.1", "shop-door", "operator").returncode == 0
    return folder


@needs_openssl
def test_what_openssl_cannot_do_is_shown_and_addresses_may_be_of_ipv6(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    failed = make(tmp_path, "broker.local", "gate")
    assert failed.returncode == 1 and failed.stderr and not (tmp_path / "server.pem").exists()
    (tmp_path / "ca.pem").unlink()
    assert make(tmp_path, "fd00::5", "gate").returncode == 0
    printing = ("openssl", "x509", "-in", str(tmp_path / "server.pem"), "-noout", "-ext", "subjectAltName")
    assert "IP Address:FD00:0:0:0:0:0:0:5" in subprocess.run(printing, capture_output=True, text=True).stdout


@pytest.fixture
def server(certificates: Path, tmp_path: Path) -> Iterator[RealBroker]:
    """Mosquitto with the files as they are, but for where things lie; it writes down who subscribes to what."""
    lines = (FILES / "mosquitto.conf").read_text().replace("/etc/mosquitto/certs", str(certificates))
    lines = lines.replace("/etc/mosquitto/edgecnn.acl", str(FILES / "edgecnn.acl"))
    kept = [line for line in lines.splitlines() if not line.startswith(("#", "listener"))]
    log = ("log_type subscribe", f"log_dest file {tmp_path}/log")
    with broker(tmp_path, *kept, f"persistence_location {tmp_path}/", *log) as one:
        yield one


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def options(server: RealBroker, folder: Path, name: str) -> tuple[str | Path, ...]:
    """What says to edgecnn which broker, and who it is."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    url = f"mqtts://127.0.0.1:{server.port}"
    return "--mqtt", url, "--mqtt-ca", folder / "ca.pem", "--mqtt-cert", certificate, "--mqtt-key", key


def watch(edgecnn: Run, server: RealBroker, folder: Path, name: str, device: str, frames: int = 12) -> Outcome:
    return edgecnn(*WATCHING, str(frames), *options(server, folder, name), "--mqtt-device", device)


@needs_mosquitto
@needs_openssl
def test_stations_tell_and_the_operator_reads_and_a_killed_broker_forgets_nothing(
    server: RealBroker, certificates: Path, edgecnn: Run
) -> None:
    for name in ("shop-door", "gate"):
        told = watch(edgecnn, server, certificates, name, name)
        assert told.exit_code == 0 and "does not let" not in told.stderr, told.stderr
    look = ("fleet", "status", *options(server, certificates, "operator"), "--ignore", "offline", "--json")
    before = edgecnn(*look)
    assert before.exit_code == 0, before.output
    server.kill()
    server.start()
    after = edgecnn(*look)
    old, new = ({one["device"]: one for one in json.loads(printed(told))["devices"]} for told in (before, after))
    assert set(old) == {"gate", "shop-door"}
    for name, device in old.items():
        assert device["state"]["verified"]["passed"] is True and device["counters"]["frames"] == 12
        assert {**new[name], "age": 0} == {**device, "age": 0}
    with listening(server.port, "none", tls=certificates / "shop-door.pem") as taken_away:  # as docs/how-to/fleet says
        for kind in ("availability", "state", "result", "counters"):
            taken_away.client.publish(f"edgecnn/shop-door/{kind}", b"", 1, retain=True).wait_for_publish(10)
    assert [one["device"] for one in json.loads(printed(edgecnn(*look)))["devices"]] == ["gate"]


@needs_mosquitto
@needs_openssl
@careless
def test_a_forged_message_never_arrives_and_who_has_no_right_certificate_is_refused_and_says_so(
    server: RealBroker, certificates: Path, edgecnn: Run
) -> None:
    others = certificates.with_name("others")
    with listening(server.port, "edgecnn/#", tls=certificates / "operator.pem") as listener:
        forged = watch(edgecnn, server, certificates, "gate", "shop-door")
        assert "does not let this client write to edgecnn/shop-door/state" in forged.stderr
        # The broker's authority is right, the station's is another one of the same names.
        mixed = shutil.copytree(others, others.with_name("mixed"), dirs_exist_ok=True)
        shutil.copy(certificates / "ca.pem", mixed / "ca.pem")
        refused = watch(edgecnn, server, mixed, "shop-door", "shop-door", frames=60)
        assert (
            "does it not take the certificate of --mqtt-cert?" in refused.stderr and "is told" not in refused.stderr
        ), refused.stderr
        own = watch(edgecnn, server, certificates, "gate", "gate")
        assert own.exit_code == 0
        assert until(lambda: "offline" in listener.texts("edgecnn/gate/availability"))
        assert not [topic for topic, _, _ in listener.heard if "shop-door" in topic]
    for folder, words in ((mixed, "cannot be used"), (others, "its certificate is not to be trusted")):
        spied = edgecnn("fleet", "status", *options(server, folder, "operator"))
        assert spied.exit_code == 1 and words in spied.stderr and spied.stderr.count("\n") == 1
    plain = edgecnn("fleet", "status", "--mqtt", f"mqtt://127.0.0.1:{server.port}")
    assert plain.exit_code == 1 and "mqtts://" in plain.stderr
    blind = edgecnn("fleet", "status", *options(server, certificates, "gate"))  # a station reads no others
    assert blind.exit_code == 1 and "No device has told anything" in blind.stdout
    gc.collect()  # here, where the sockets are expected


@needs_mosquitto
@needs_openssl
def test_a_station_hears_one_topic_and_nothing_that_is_sent_to_it_does_anything(
    server: RealBroker, certificates: Path, tmp_path: Path, edgecnn: Run
) -> None:
    topics = [f"edgecnn/gate/{end}" for end in ("set", "command", "model", "config", "ota", "state/set")]
    with listening(server.port, "edgecnn/#", tls=certificates / "gate.pem") as attacker:
        for topic in topics:  # as the station itself, which may write them
            attacker.client.publish(topic, b'{"model": "http://evil/m.tflite", "run": "rm -rf /"}', 1, retain=True)
        told = watch(edgecnn, server, certificates, "gate", "gate")
    assert told.exit_code == 0 and "evil" not in told.output
    subscribed = re.findall(r"edgecnn-gate \d (\S+)", (tmp_path / "log").read_text())
    assert subscribed == ["homeassistant/status"]


@needs_openssl
def test_certificates_are_made_once_and_names_that_no_station_can_have_are_refused(
    certificates: Path, tmp_path: Path
) -> None:
    before = {path.name: path.read_bytes() for path in certificates.iterdir() if path.name != "ca.srl"}
    again = make(certificates, "127.0.0.1", "gate", "new")
    assert again.returncode == 0 and again.stdout.split() == [str(certificates / "new.pem")]
    assert all((certificates / name).read_bytes() == content for name, content in before.items())
    assert not [path for path in certificates.glob("*.key") if path.stat().st_mode & 0o077]
    for name in ("a/b", "a b", "ca", "server", "é", "../x"):
        refused = make(tmp_path / "none", "broker.local", "well", name)
        assert refused.returncode == 2 and "cannot name a device" in refused.stderr, name
        assert not list((tmp_path / "none").glob("*.pem"))
    named = make(tmp_path / "named", "broker.local")
    assert named.returncode == 0
    shown = subprocess.run(
        ["openssl", "x509", "-in", tmp_path / "named" / "server.pem", "-noout", "-text"], capture_output=True, text=True
    )
    assert "DNS:broker.local" in shown.stdout and "TLS Web Server Authentication" in shown.stdout


def test_the_automations_go_by_what_stations_send(tmp_path: Path) -> None:
    offline, unverified = yaml.safe_load((FILES / "home-assistant.yaml").read_text())["automation"]
    assert parse_broker("mqtt://h").prefix == "edgecnn"
    row: dict[str, Any] = messages(tmp_path)["mqtt-state"][1]
    (trigger,) = unverified["trigger"]
    template = jinja2.Template(trigger["value_template"])
    failed = {**row, "verified": {**row["verified"], "passed": False}}
    assert template.render(value_json=row) != trigger["payload"] == template.render(value_json=failed)
    assert offline["trigger"][0]["payload"] == "offline"
    for automation in (offline, unverified):
        (action,) = automation["action"]
        said = {"topic": "edgecnn/gate/state", "payload_json": state("gate")}
        told = jinja2.Template(action["data"]["message"]).render(trigger=said)
        assert "gate" in told and "did not pass" not in told  # a file may have no probes


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool: apt has prometheus")
def test_prometheus_takes_its_file_and_finds_the_stations(tmp_path: Path) -> None:
    text = (FILES / "prometheus.yml").read_text().replace("/etc/prometheus", str(tmp_path))
    (tmp_path / "prometheus.yml").write_text(text)
    (tmp_path / "edgecnn-token").write_text("t")
    shutil.copy(FILES / "stations.json", tmp_path)
    command = ["promtool", "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    command = ["promtool", "check", "service-discovery", "--timeout=1s", str(tmp_path / "prometheus.yml"), "edgecnn"]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
    targets = {one["labels"]["__address__"] for one in found}
    assert targets == {"shop-door.local:8765", "gate.local:8765"}
