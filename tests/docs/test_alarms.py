"""The page on alarms: its commands run with a real broker, and its files are what the programs that read them take."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from edgecnn.device.live.outlets.home_assistant import discovery
from edgecnn.device.live.station import Station
from tests.support.brokers import broker, listening, make_certificates, needs_mosquitto
from tests.support.command_line import Run
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "how-to" / "alarms.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
AUTOMATION, SCRAPING, RULES = (text for language, text in BLOCKS if language == "yaml")
CONFIGURATION, ACCESS = (text for language, text in BLOCKS if language == "ini")
COMMANDS = [line for language, text in BLOCKS for line in text.splitlines() if language == "sh"]
STATION = Station("m.tflite", "0" * 64, "1.2.3", "LiteRT 2")
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool: apt has prometheus")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@needs_mosquitto
def test_the_first_command_runs_and_fills_the_topics_of_the_page(tmp_path: Path, edgecnn: Run) -> None:
    (line,) = (line for line in COMMANDS if "--mqtt " in line)
    with broker(tmp_path) as one, listening(one.port) as listener:
        words = shlex.split(line.replace("mqtt://localhost", f"mqtt://127.0.0.1:{one.port}"))
        result = edgecnn(*words[1:], "--no-page", "--frames", "20", "--fps", "20")
        assert result.exit_code == 0 and "is told, in topics edgecnn/shop-door/..." in result.stderr
        assert until(lambda: listener.texts("/availability")[-1:] == ["offline"])
    said = {topic for topic, _, _ in listener.heard if not topic.startswith("homeassistant")}
    assert said == set(re.findall(r"^\| `(edgecnn/\S+)` \|", PAGE.read_text(), re.MULTILINE))


@needs_mosquitto
@pytest.mark.skipif(shutil.which("openssl") is None, reason="there is no openssl to make certificates")
def test_the_brokers_files_let_a_station_write_its_own_topics_and_no_others(tmp_path: Path, edgecnn: Run) -> None:
    make_certificates(tmp_path)
    (tmp_path / "edgecnn.acl").write_text(ACCESS)
    lines = CONFIGURATION.replace("/etc/mosquitto/certs", str(tmp_path)).replace("/etc/mosquitto", str(tmp_path))
    assert lines.startswith("listener 8883\n")
    lines = lines.removeprefix("listener 8883\n") + f"persistence_location {tmp_path}/\n"
    files = (
        "--mqtt-ca",
        tmp_path / "ca.pem",
        "--mqtt-cert",
        tmp_path / "client.pem",
        "--mqtt-key",
        tmp_path / "client.key",
    )
    watching = ("live", "fashion-mnist", "--source", "samples", "--no-page", "--frames", "20", "--fps", "20")
    with broker(tmp_path, *lines.splitlines()) as one:
        target = ("--mqtt", f"mqtts://127.0.0.1:{one.port}", *files)
        with listening(one.port, tls=tmp_path / "homeassistant.pem") as listener:
            own = edgecnn(*watching, *target, "--mqtt-device", "client")
            assert own.exit_code == 0 and "does not let" not in own.stderr
            assert until(lambda: listener.texts("edgecnn/client/availability")[-1:] == ["offline"])
            assert len(listener.of("/config")) == len(discovery("client", "edgecnn/client", STATION))
            forged = edgecnn(*watching, *target, "--mqtt-device", "other")
            assert forged.exit_code == 0 and "does not let this client write to edgecnn/other/state" in forged.stderr
        assert not [topic for topic, _, _ in listener.heard if "/other/" in topic]


def test_the_automation_goes_by_an_entity_that_there_is() -> None:
    (automation,) = yaml.safe_load(AUTOMATION)["automation"]
    named = {trigger["entity_id"] for trigger in automation["trigger"]}
    named |= set(re.findall(r"states\('(.*?)'\)", AUTOMATION))
    # As Home Assistant makes identifiers of the names of device and entity.
    known = {
        f"{topic.split('/')[1]}.{re.sub('[^a-z0-9]+', '_', ('shop-door ' + one['name']).lower())}"
        for topic, one in discovery("shop-door", "edgecnn/shop-door", STATION).items()
    }
    assert named and named <= known


@needs_promtool
def test_prometheus_takes_the_files_and_the_alarms_go_off(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "prometheus.yml").write_text(SCRAPING.replace("/etc/prometheus/edgecnn-token", str(tmp_path / "token")))
    (tmp_path / "rules.yml").write_text(RULES)
    station = '{job="edgecnn", instance="pi:8765"}'
    layer = '{job="edgecnn", instance="pi:8765", layer="conv2d", kind="saturated"}'
    series = {  # a station that is well for half an hour, and of which everything goes wrong then
        f"up{station}": "1x30 0x40",
        f"edgecnn_source_up{station}": "1x30 0x40",
        f"edgecnn_last_frame_age_seconds{station}": "1x30 99x40",
        f"edgecnn_frames_total{station}": "0+600x70",
        f"edgecnn_doubtful_frames_total{station}": "0+60x30 1800+600x40",
        f"edgecnn_drift_frames_total{layer}": "0+6x30 180+300x40",
    }
    alarms = [rule["alert"] for group in yaml.safe_load(RULES)["groups"] for rule in group["rules"]]
    expected = [{"exp_labels": {"job": "edgecnn", "instance": "pi:8765"}}]
    checks = [{"eval_time": "29m", "alertname": one} for one in alarms]
    checks += [{"eval_time": "70m", "alertname": one, "exp_alerts": expected} for one in alarms]
    inputs = [{"series": name, "values": values} for name, values in series.items()]
    trial = {
        "rule_files": ["rules.yml"],
        "tests": [{"interval": "1m", "input_series": inputs, "alert_rule_test": checks}],
    }
    (tmp_path / "trial.yml").write_text(yaml.safe_dump(trial))
    for arguments in (
        ["check", "config", "prometheus.yml"],
        ["check", "rules", "rules.yml"],
        ["test", "rules", "trial.yml"],
    ):
        done = subprocess.run(["promtool", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_names_the_metrics_that_there_are() -> None:
    pytest.importorskip("starlette", reason="the page needs edgecnn[live]")
    from edgecnn.device.live.observation import Status
    from edgecnn.device.live.outlets.metrics import metrics_text
    from edgecnn.device.live.shadow_report import ShadowReport
    from edgecnn.device.live.tally import Moment, no_counts

    status = Status("samples", 0, 0, 0, "", True)
    shadow = ShadowReport("new.tflite", "1" * 64, 2, 1, 0, 0.5, 0.6, {("a", "b"): 1}, "")
    text = metrics_text(no_counts(["a"]), Moment(None, (), None, None, 0.0), status, STATION, shadow)
    families = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    assert families == set(re.findall(r"`(edgecnn_\w+)(?:\{[\w,]+\})?`", PAGE.read_text()))
    assert set(re.findall(r"\bedgecnn_\w+", RULES)) <= families
