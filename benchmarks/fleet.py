"""A fleet's messages and a real broker: what `edgecnn fleet` costs, and what the broker stands. Linux, Mosquitto.

    python benchmarks/fleet.py read --devices 1000
    python benchmarks/fleet.py broker --devices 10000 --seconds 20 --autosave changes
    python benchmarks/fleet.py connections --devices 300

`read` has a broker keep what so many stations tell, and reads it as a user does. `broker` lets stations tell state and
counters every 30 seconds, with QoS 1, over fifty connections; it says how late the broker confirms them and how much
of a processor it takes. `connections` opens TLS connections, each with a certificate. What follows for larger fleets,
`benchmarks/fleet_plan.py` works out.
"""

import argparse
import json
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.process_figures import cpu_s, memory_mib
from tests.support.brokers import broker, make_certificates
from tests.support.fleets import keep, station

_SAVING = {  # how Mosquitto writes what it retains
    "changes": ("persistence true", "autosave_interval 1", "autosave_on_changes true"),
    "minute": ("persistence true", "autosave_interval 60"),
    "never": ("persistence false",),
}


def say(**figures: object) -> None:
    """A line of figures."""
    print(json.dumps({name: round(one, 4) if isinstance(one, float) else one for name, one in figures.items()}))


def read(options: argparse.Namespace, folder: Path) -> None:
    """What `edgecnn fleet` costs with all of it kept by a broker."""
    with broker(folder, "allow_anonymous true", f"max_queued_messages {options.queue}") as one:
        told = {topic: text for number in range(options.devices) for topic, text in station(f"pi-{number}").items()}
        size = sum(len(json.dumps(text)) + len(topic) for topic, text in told.items())
        keep(one.port, told)
        process = one.process.pid
        say(kept_bytes_a_device=size / options.devices, broker_mib=memory_mib(process))
        for command in ("status", "drift"):
            before, began = cpu_s(process), time.monotonic()
            arguments = ["fleet", command, "--json", "--mqtt", f"mqtt://127.0.0.1:{one.port}"]
            program = Path(sys.executable).with_name("edgecnn")
            with open(folder / "out.json", "wb") as out:
                child = subprocess.Popen([program, *arguments], stdout=out)
                _, _, usage = os.wait4(child.pid, 0)
            took = time.monotonic() - began
            found = json.loads((folder / "out.json").read_bytes())
            whole = sum(bool(row.get("counters", True)) and bool(row.get("state", True)) for row in found["devices"])
            say(
                command=command, devices=len(found["devices"]), whole=whole, seconds=took,
                cpu_seconds=usage.ru_utime + usage.ru_stime, most_mib=usage.ru_maxrss / 1024,
                broker_cpu_seconds=cpu_s(process) - before,
            )  # fmt: skip


def tell(options: argparse.Namespace, folder: Path) -> None:
    """Stations that tell state and counters every `--interval` seconds."""
    rows = [station(f"pi-{number}") for number in range(options.devices)]
    told = {topic: text for row in rows for topic, text in row.items()}
    texts = [
        (f"edgecnn/{topic}", json.dumps(text)) for topic, text in told.items() if not topic.endswith("/availability")
    ]
    place = ("allow_anonymous true", f"persistence_location {folder}/")
    with broker(folder, *place, *_SAVING["minute"]) as one:  # they are all there already
        keep(one.port, told)
        one.signal(signal.SIGUSR1)  # Mosquitto writes its file then
        time.sleep(3)
    with broker(folder, *place, *_SAVING[options.autosave]) as one:
        sent: dict[tuple[int, int], float] = {}  # when each message was sent, and when it was confirmed
        heard: dict[tuple[int, int], float] = {}
        clients = [_talker(one.port, number, heard) for number in range(options.connections)]
        time.sleep(2)
        process = one.process.pid
        before, began, count = cpu_s(process), time.monotonic(), 0
        rate = len(texts) / options.interval
        while (now := time.monotonic()) < began + options.seconds:
            due = int((now - began) * rate)
            for number in range(count, due):
                topic, text = texts[number % len(texts)]
                moment = time.monotonic()
                which = number % len(clients)
                sent[which, clients[which].publish(topic, text, 1, retain=True).mid] = moment
            count = due
            time.sleep(0.005)
        took, used = time.monotonic() - began, cpu_s(process) - before
        late = sorted(heard[message] - moment for message, moment in sent.items() if message in heard)
        files = list(folder.glob("mosquitto.db"))
        say(
            devices=options.devices, autosave=options.autosave, asked_per_second=rate,
            confirmed_per_second=len(late) / took, unconfirmed=len(sent) - len(late),
            p50_ms=1000 * late[len(late) // 2] if late else None,
            p99_ms=1000 * late[len(late) * 99 // 100] if late else None,
            broker_cores=used / took, cpu_us_a_message=1e6 * used / max(1, len(late)), broker_mib=memory_mib(process),
            file_mib=files[0].stat().st_size / 2**20 if files else 0.0,
        )  # fmt: skip
        for client in clients:
            client.loop_stop()


def _talker(port: int, number: int, heard: dict[tuple[int, int], float]) -> mqtt.Client:
    """A connection that notes when a message of it is confirmed."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.max_queued_messages_set(0)
    client.max_inflight_messages_set(10_000)
    client.on_publish = lambda _, __, message, *___: heard.__setitem__((number, message), time.monotonic())
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def connections(options: argparse.Namespace, folder: Path) -> None:
    """What a TLS connection with a certificate costs the broker, when it opens and while it stays."""
    make_certificates(folder)
    lines = [f"cafile {folder}/ca.pem", f"certfile {folder}/server.pem", f"keyfile {folder}/server.key"]
    with broker(folder, "require_certificate true", "use_identity_as_username true", *lines) as one:
        process = one.process.pid
        context = ssl.create_default_context(cafile=folder / "ca.pem")
        context.load_cert_chain(folder / "client.pem", folder / "client.key")
        memory, before, began = memory_mib(process), cpu_s(process), time.monotonic()
        clients = []
        for number in range(options.devices):
            client = mqtt.Client(CallbackAPIVersion.VERSION2, f"pi-{number}")
            client.tls_set_context(context)
            client.connect("127.0.0.1", one.port)
            while not client.is_connected():
                client.loop(0.05)
            clients.append(client)
        took = time.monotonic() - began
        say(
            connections=len(clients), seconds=took,
            broker_cpu_ms_a_connection=1e3 * (cpu_s(process) - before) / len(clients),
            broker_kib_a_connection=1024 * (memory_mib(process) - memory) / len(clients),
        )  # fmt: skip
        for client in clients:
            client.disconnect()


def main() -> None:
    """Run the part that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("read", "broker", "connections"))
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of telling")
    parser.add_argument("--interval", type=float, default=30.0, help="seconds between two messages of a station")
    parser.add_argument("--autosave", choices=list(_SAVING), default="changes")
    parser.add_argument("--connections", type=int, default=50, help="that the stations of `broker` share")
    parser.add_argument("--queue", type=int, default=1000, help="Mosquitto's max_queued_messages; 1,000 is its own")
    options = parser.parse_args()
    parts = {"read": read, "broker": tell, "connections": connections}
    with tempfile.TemporaryDirectory() as folder:
        parts[options.part](options, Path(folder))


if __name__ == "__main__":
    main()
