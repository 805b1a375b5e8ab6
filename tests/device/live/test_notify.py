"""What systemd hears: ready and alive with a classified frame, and not without one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecnn.device import Classifier
from edgecnn.device.live.notify import tell_service_manager
from edgecnn.device.live.watcher import Watcher
from tests.support.cameras import FakeCamera
from tests.support.command_line import Run, sentence
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets of the kind that systemd has")
MODEL = "fashion-mnist"


class Manager:
    """A datagram socket as systemd's, and what came there."""

    def __init__(self, address: str) -> None:
        self.heard: list[list[str]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while data := self._socket.recv(4096):
            self.heard.append(data.decode().split("\n"))

    def heard_of(self, words: str) -> bool:
        return any(words in line for message in self.heard for line in message)

    def close(self) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ending:
            ending.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@contextlib.contextmanager
def listening(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    manager = Manager(address)
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    try:
        yield manager
    finally:
        manager.close()


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
def test_each_frame_is_told_the_first_as_ready_and_the_end(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    if kind != "a path" and not sys.platform.startswith("linux"):
        pytest.skip("abstract names are Linux's")
    monkeypatch.chdir(tmp_path)  # a socket's name has its limit
    address = "notify" if kind == "a path" else f"@edgecnn-test-{os.getpid()}"
    with listening(address, monkeypatch) as manager:
        watched = ("live", MODEL, "--source", "samples", "--fps", "100", "--frames", "5", "--no-page")
        assert edgecnn(*watched).exit_code == 0
    first, *others, last = manager.heard
    assert first[0] == "READY=1" and first[-1] == "WATCHDOG=1" and last == ["STOPPING=1"]
    assert first[1].startswith(f"STATUS={Classifier(MODEL).labels[9]} ") and " 1 frame, " in first[1]
    assert [line for message in others for line in message if not line.startswith("STATUS=")] == ["WATCHDOG=1"] * 4


@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to another process")
def test_who_sees_no_frame_is_neither_ready_nor_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = FakeCamera(tmp_path, monkeypatch)
    camera.install("hangs:2 hangs:0")
    monkeypatch.chdir(tmp_path)
    with listening("notify", monkeypatch) as manager:
        command = [sys.executable, "-m", "edgecnn", "live", MODEL, "--no-page", "--timeout", "2", "--trust"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            assert until(lambda: manager.heard_of("no frame"))  # two frames, and then none
            process.send_signal(signal.SIGTERM)
    fed = [number for number, message in enumerate(manager.heard) if "WATCHDOG=1" in message]
    assert 1 <= len(fed) <= 2 and fed == list(range(len(fed))) and "READY=1" in manager.heard[0]
    assert any("no frame" in line for line in manager.heard[len(fed)]), manager.heard
    assert manager.heard[-1] == ["STOPPING=1"] and process.returncode == 0


def test_who_never_sees_a_frame_is_never_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run) -> None:
    FakeCamera(tmp_path, monkeypatch).install("none")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("edgecnn.device.live.sources.retrying.TRIES", 1)
    with listening("notify", monkeypatch) as manager:
        said = sentence(edgecnn("live", MODEL, "--no-page"))
    assert "no cameras available" in said
    assert manager.heard == [[said.replace("Error: ", "STATUS="), "STOPPING=1"]]


def test_a_manager_that_is_stuck_does_not_hold_the_camera_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as silent:
        silent.bind("notify")  # the system keeps a few messages, then takes no more
        watcher = Watcher(Classifier(MODEL), "samples")
        manager = tell_service_manager(watcher)
        assert manager and "NOTIFY_SOCKET" not in os.environ  # children are not to speak
        started = time.monotonic()
        with manager:
            watcher.run(frames=40)
    assert time.monotonic() - started < 60


def test_an_address_where_nobody_listens_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edgecnn: Run
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    result = edgecnn("live", MODEL, "--source", "samples", "--frames", "1", "--no-page")
    assert "no service manager listens" in sentence(result)


def test_without_a_manager_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    watcher = Watcher(Classifier(MODEL), "samples")
    assert tell_service_manager(watcher) is None and not watcher.listeners
