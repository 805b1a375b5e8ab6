"""A real MQTT broker, Mosquitto, on a free port; and a client that keeps what it hears."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.ports import free_port
from tests.support.waiting import until

mqtt = pytest.importorskip("paho.mqtt.client", reason="--mqtt needs edgecnn[mqtt]")

# Debian installs it where users do not look.
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_mosquitto = pytest.mark.skipif(MOSQUITTO is None, reason="there is no mosquitto: apt install mosquitto")


class RealBroker:
    """A broker; its lines of configuration, but for port and user, are the caller's.

    Attributes:
        port: where it listens, on the loopback.
    """

    def __init__(self, folder: Path, *lines: str) -> None:
        """Not started yet."""
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._configuration = folder / f"mosquitto-{self.port}.conf"
        # Started by root it would become another user, who reads no files of ours.
        text = [f"listener {self.port} 127.0.0.1", "user root", "log_dest none", *lines]
        self._configuration.write_text("".join(f"{line}\n" for line in text))

    def start(self) -> None:
        assert MOSQUITTO
        self._process = subprocess.Popen([MOSQUITTO, "-c", str(self._configuration)], stderr=subprocess.DEVNULL)
        assert until(self._listens)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """While it runs."""
        assert self._process
        return self._process

    def signal(self, number: int) -> None:
        """Any other."""
        self.process.send_signal(number)


@contextlib.contextmanager
def broker(folder: Path, *lines: str) -> Iterator[RealBroker]:
    """A broker that is started."""
    one = RealBroker(folder, *(lines or ("allow_anonymous true",)))
    one.start()
    try:
        yield one
    finally:
        one.kill()


class Listener:
    """A client that keeps what it hears, and comes back when the broker does.

    Attributes:
        heard: topic, whether it was retained, and payload, in their order.
    """

    def __init__(self, port: int, topics: str = "#", tls: Path | None = None, **credentials: str) -> None:
        """Connect; with `tls`, as the certificate of this path, beside which are its key and the authority's."""
        self.heard: list[tuple[str, bool, bytes]] = []
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.reconnect_delay_set(1, 1)
        if credentials:
            self.client.username_pw_set(credentials["user"], credentials["password"])
        if tls is not None:
            self.client.tls_set(str(tls.with_name("ca.pem")), str(tls), str(tls.with_suffix(".key")))
        self.client.on_connect = lambda client, *_: client.subscribe(topics, qos=1)
        self.client.on_message = lambda _, __, one: self.heard.append((one.topic, one.retain, bytes(one.payload)))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def of(self, end: str) -> list[Any]:
        """What came in topics with this end, JSON read."""
        return [json.loads(payload) for topic, _, payload in list(self.heard) if topic.endswith(end)]

    def texts(self, end: str) -> list[str]:
        """What came in topics with this end."""
        return [payload.decode() for topic, _, payload in list(self.heard) if topic.endswith(end)]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@contextlib.contextmanager
def listening(port: int, topics: str = "#", tls: Path | None = None, **credentials: str) -> Iterator[Listener]:
    one = Listener(port, topics, tls, **credentials)
    try:
        yield one
    finally:
        one.close()


def make_certificates(folder: Path) -> None:
    """Authorities `ca` and `other`, and of `ca` certificates for a server, 127.0.0.1, and for two clients."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)

    new = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    for name in ("ca", "other"):
        extension = ("-addext", "keyUsage=critical,keyCertSign", "-subj", f"/CN={name}")
        openssl(*new, "-x509", *extension, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    for name in ("server", "client", "homeassistant"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names", "-days", "2")
        openssl("x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.pem")
