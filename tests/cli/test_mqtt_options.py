"""edgecnn live --mqtt: what is wrong is said before the camera starts, and a broker that is away never ends it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgecnn.cli.broker_options import BrokerFiles
from edgecnn.device.live.outlets.broker import parse_broker
from edgecnn.model_file.bundled import sample_images
from tests.support.brokers import RealBroker, broker, listening, needs_mosquitto
from tests.support.command_line import Run, sentence
from tests.support.ports import closed_port
from tests.support.waiting import PATIENCE, until

MODEL = "fashion-mnist"
BOOT = ("live", MODEL, "--source", str(sample_images()[0]), "--no-page")


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of tokens and counters."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.delenv("EDGECNN_MQTT_PASSWORD", raising=False)
    return tmp_path / "state" / "edgecnn"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealBroker]:
    with broker(tmp_path) as one:
        yield one


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port where no broker is."""
    with closed_port() as port:
        yield port


def test_without_a_broker_it_watches_says_so_once_and_keeps_the_counters(
    edgecnn: Run, state: Path, nobody: int
) -> None:
    options = ("--consecutive", "1", "--threshold", "0", "--mqtt-device", "pi")
    for _ in range(2):
        result = edgecnn(*BOOT, "--mqtt", f"mqtt://127.0.0.1:{nobody}", *options)
        assert result.exit_code == 0 and "Ankle boot" in result.stdout
        told = [line for line in result.stderr.splitlines() if "cannot be used" in line]
        assert told == [f"the MQTT broker at 127.0.0.1:{nobody} cannot be used: Connection refused; trying again"]
        assert "the MQTT broker did not hear of 1 change\n" in result.stderr
    (file,) = state.iterdir()  # and no lock
    totals = json.loads(file.read_text())
    assert file.name.startswith("live-counters-pi-") and totals["frames"] == totals["classes"]["Ankle boot"] == 2


@needs_mosquitto
@pytest.mark.skipif(os.name != "posix", reason="a signal is sent to another process")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, 0)])
def test_a_station_that_ends_in_whatever_way_is_said_to_be_offline_and_counts_on(
    number: signal.Signals, code: int, server: RealBroker, edgecnn: Run
) -> None:
    command = [sys.executable, "-m", "edgecnn", *BOOT, "--loop", "--mqtt", f"mqtt://127.0.0.1:{server.port}/lab/"]
    command += ["--mqtt-device", "pi", "--fps", "60", "--mqtt-interval", "1"]
    pipe = subprocess.PIPE
    with (
        listening(server.port, "lab/#") as listener,
        subprocess.Popen(command, text=True, stdout=pipe, stderr=pipe) as process,
    ):
        try:
            assert until(lambda: listener.texts("lab/pi/availability") == ["online"])
            assert until(lambda: listener.of("/counters")[-1]["frames"] > 0)
            process.send_signal(number)
            assert until(lambda: listener.texts("lab/pi/availability")[-1] == "offline")
            _, said = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == code and "Traceback" not in said
        before = listener.of("/counters")[-1]
        assert edgecnn(*command[3:], "--frames", "60").exit_code == 0
        assert until(lambda: listener.of("/counters")[-1]["frames"] >= before["frames"] + 60)
        after = [one for one in listener.of("/counters") if one["time"] > before["time"]]
    assert after[0]["frames"] >= before["frames"] and {one["id"] for one in after} == {before["id"]}


@needs_mosquitto
def test_the_password_is_in_a_file_or_the_environment(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, password = tmp_path / "users", tmp_path / "password"
    subprocess.run(["mosquitto_passwd", "-b", "-c", users, "pi", "right"], check=True, capture_output=True)
    password.write_text("right\n")
    with broker(tmp_path, "allow_anonymous false", f"password_file {users}") as one:
        watching = (*BOOT, "--loop", "--frames", "30", "--fps", "60", "--mqtt", f"mqtt://pi@127.0.0.1:{one.port}")
        told = edgecnn(*watching, "--mqtt-password-file", password)
        assert told.exit_code == 0 and "is told, in topics edgecnn/" in told.stderr
        assert "others can read the password" not in told.stderr
        monkeypatch.setenv("EDGECNN_MQTT_PASSWORD", "right")
        told = edgecnn(*watching)
        assert told.exit_code == 0 and "is told, in topics edgecnn/" in told.stderr
        monkeypatch.setenv("EDGECNN_MQTT_PASSWORD", "wrong")
        wrong = edgecnn(*watching)
    assert wrong.exit_code == 0 and "it does not let pi in (not authorized)" in wrong.stderr
    assert "wrong;" not in wrong.stderr and "is told" not in wrong.stderr


@pytest.mark.parametrize(
    ("url", "is_told"),
    [("mqtt://pi@farm.example", True), ("mqtts://pi@farm.example", False), ("mqtt://pi@localhost", False)],
)
def test_a_password_that_others_can_read_on_the_way_is_told(
    url: str, is_told: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("right\n")
    assert BrokerFiles(None, None, None, tmp_path / "password").complete(parse_broker(url)).host in url
    assert ("others can read the password" in capsys.readouterr().err) == is_told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--mqtt", "localhost"), "mqtt://USER@"),
        (("--mqtt", "mqtt://u:secret@h"), "everybody on this machine can see"),
        (("--mqtt", "mqtt://h/a+b"), "cannot begin topics"),
        (("--mqtt", "mqtt://h/a/#"), "mqtt://USER@"),
        (("--mqtt", "mqtt://h", "--mqtt-device", "a/b"), "--mqtt-device"),
        (("--mqtt", "mqtt://h", "--mqtt-interval", "nan"), "nan"),
        (("--mqtt", "mqtt://h", "--mqtt-interval", "0"), "--mqtt-interval"),
        (("--mqtt", "mqtt://h", "--mqtt-ca", "nowhere.pem"), "nowhere.pem"),
        (("--mqtt", "mqtt://h", "--mqtt-ca", __file__), "mqtts://"),
        (("--mqtt", "mqtts://h", "--mqtt-ca", __file__), "holds no certificate of an authority"),
        (("--mqtt", "mqtts://h", "--mqtt-key", __file__), "--mqtt-cert"),
        (("--mqtt", "mqtt://u@h", "--mqtt-password-file", __file__), "one line of text"),
        (("--mqtt-ca", __file__), "--mqtt-ca goes with --mqtt"),
        (("--mqtt-device", "pi"), "--mqtt-device goes with --mqtt"),
        (("--no-mqtt-discovery",), "--no-mqtt-discovery goes with --mqtt"),
        (("--mqtt-interval", "5"), "--mqtt-interval goes with --mqtt"),
        (("--mqtt-interval", "30"), "--mqtt-interval goes with --mqtt"),
        (("--mqtt-discovery",), "--mqtt-discovery goes with --mqtt"),
    ],
)
def test_wrong_usage_is_one_sentence(options: tuple[str, ...], words: str, edgecnn: Run) -> None:
    for also in ((), ("--dry-run",)):
        told = sentence(edgecnn(*BOOT, *options, *also), exit_code=2)
        assert words in told and "secret" not in told


def test_a_password_without_a_user_is_wrong_usage(edgecnn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGECNN_MQTT_PASSWORD", "hidden")
    told = sentence(edgecnn(*BOOT, "--mqtt", "mqtt://h"), exit_code=2)
    assert "a password goes with a user" in told and "hidden" not in told


def test_two_stations_of_one_name_do_not_share_counters(edgecnn: Run, state: Path, nobody: int) -> None:
    from edgecnn.atomic_files import claimed

    watching = (*BOOT, "--mqtt", f"mqtt://127.0.0.1:{nobody}", "--mqtt-device", "pi")
    assert edgecnn(*watching).exit_code == 0
    with claimed([next(state.iterdir())], force=True):
        told = sentence(edgecnn(*watching))
    assert "is being written by" in told and "--mqtt-device" in told


def test_counters_that_cannot_be_kept_are_said_at_the_start(edgecnn: Run, state: Path) -> None:
    state.parent.mkdir()
    state.write_text("a file in the way")
    assert str(state) in sentence(edgecnn(*BOOT, "--mqtt", "mqtt://127.0.0.1:9"))


def test_without_the_extra_or_with_an_old_one_the_line_that_mends_it_is_said(
    edgecnn: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = tmp_path / "old" / "paho_mqtt-1.6.1.dist-info"
    old.mkdir(parents=True)
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: paho-mqtt\nVersion: 1.6.1\n")
    watching = (*BOOT, "--mqtt", "mqtt://127.0.0.1:9")
    with monkeypatch.context() as other:
        other.syspath_prepend(str(old.parent))
        told = sentence(edgecnn(*watching))
    assert "2 or newer, this is 1.6.1" in told and 'pip install "edgecnn[mqtt]"' in told
    monkeypatch.setitem(sys.modules, "paho", None)  # as where it is not installed
    told = sentence(edgecnn(*watching))
    assert "needs paho-mqtt: " in told and told.endswith('pip install "edgecnn[mqtt]"')
