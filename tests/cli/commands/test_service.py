"""edgecnn service: what is checked before anything is written, and what is said where there is no systemd."""

import os
import sys
from pathlib import Path

import pytest

from edgecnn.device.service import systemd
from tests.support.command_line import Run, sentence

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is Linux's")
INSTALL = ("service", "install", "fashion-mnist")
SAMPLES = ("--", "--source", "samples", "--no-page")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*INSTALL, "--source", "samples"), "--source is an option of edgecnn live: write it behind --"),
        ((*INSTALL, "--whole"), "--whole is an option of edgecnn live"),
        ((*INSTALL, "--sauce", "x"), "No such option"),
        ((*INSTALL, *SAMPLES, "--threshold", "4"), "threshold"),
        ((*INSTALL, *SAMPLES, "--sauce"), "--sauce"),
        ((*INSTALL, *SAMPLES, "other"), "other"),
        ((*INSTALL, *SAMPLES, "--frames", "3"), "leave out --frames"),
        ((*INSTALL, *SAMPLES, "--dry-run"), "leave out --dry-run"),
        ((*INSTALL, *SAMPLES, "--keep", "chosen=x"), "--no-page"),
        ((*INSTALL, "--name", "a/b", *SAMPLES), "a service cannot be called a/b"),
        (("service", "remove", "--name", "a.service"), "a service cannot be called a.service"),
        (("service", "start"), "start"),
    ],
)
def test_wrong_usage_is_one_sentence(
    arguments: tuple[str, ...], words: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    dry_run = ("--dry-run",) if arguments[1] == "install" else ()
    assert words in sentence(edgecnn(*arguments[:3], *dry_run, *arguments[3:]), exit_code=2)


@pytest.mark.parametrize(
    ("model", "live", "words"),
    [
        ("none.tflite", SAMPLES, "none.tflite"),
        ("fashion-mnist", ("--", "--source", "nowhere"), "there is no source nowhere"),
    ],
)
def test_what_live_would_refuse_is_refused_in_its_words(
    model: str, live: tuple[str, ...], words: str, edgecnn: Run
) -> None:
    assert words in sentence(edgecnn("service", "install", model, "--dry-run", *live))


def test_a_dry_run_prints_the_unit_and_the_lines_and_writes_nothing(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    kept = ("--keep", "doubtful=kept,5MB", "--timeout", "50")
    result = edgecnn(*INSTALL, "--name", "door", "--dry-run", *SAMPLES, *kept)
    assert result.exit_code == 0 and not list(tmp_path.iterdir())
    lines = result.stdout.splitlines()
    assert f'ExecStart=:"{sys.executable}" "-m" "edgecnn" "live" "fashion-mnist" "--source" "samples"' in result.stdout
    assert f"WorkingDirectory={tmp_path}" in lines and f'ReadWritePaths=-"{tmp_path}/kept"' in lines
    assert "WatchdogSec=200" in lines
    slow = ("--delegate", "xnnpack", "--isolate", "--delegate-timeout", "99.5")
    patient = edgecnn(*INSTALL, "--name", "door", "--dry-run", *SAMPLES, *kept, *slow).stdout
    seconds = [int(unit.partition("\nTimeoutStartSec=")[2].split()[0]) for unit in (result.stdout, patient)]
    assert seconds[1] - seconds[0] == 299  # it is tried, loaded and proved with it
    notes = result.stderr.splitlines()
    assert f"{tmp_path}/config/systemd/user/edgecnn-door.service would be:" in notes
    assert notes[-3:] == [
        "systemctl --user daemon-reload",
        "systemctl --user enable edgecnn-door.service",
        "systemctl --user restart edgecnn-door.service",
    ]


@pytest.mark.parametrize("kept", ["../unsure", "./../unsure/", "../link/../unsure", "../shortcut"])
def test_a_folder_to_write_to_is_named_as_systemd_takes_it(
    kept: str, edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to("work")
    (tmp_path / "shortcut").symlink_to("unsure")
    monkeypatch.chdir(tmp_path / "work")
    result = edgecnn(*INSTALL, "--dry-run", *SAMPLES, "--keep", f"doubtful={kept}")
    assert f'ReadWritePaths=-"{tmp_path.resolve()}/unsure"' in result.stdout.splitlines()


def test_a_password_that_only_the_shell_knows_is_noted(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("paho.mqtt.client", reason="--mqtt needs edgecnn[mqtt]")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("EDGECNN_MQTT_PASSWORD", "hunter2")
    file = tmp_path / "edgecnn" / "door.env"
    own = tmp_path / "password"
    own.write_text("hunter2\n")

    def said(*options: str | Path) -> str:
        result = edgecnn(*INSTALL, "--name", "door", "--dry-run", *SAMPLES, *options)
        assert result.exit_code == 0 and "hunter2" not in result.stdout + result.stderr
        return result.stderr

    mqtt = ("--mqtt", "mqtt://pi@localhost")
    assert "EDGECNN_MQTT_PASSWORD is set here, but not for the service: write a line" in said(*mqtt)
    assert f"into {file}, " in said(*mqtt)
    assert "EDGECNN_MQTT_PASSWORD" not in said() + said(*mqtt, "--mqtt-password-file", own)
    file.parent.mkdir()
    file.write_text("EDGECNN_MQTT_PASSWORD=hunter2\n")
    assert "EDGECNN_MQTT_PASSWORD" not in said(*mqtt)


def test_a_source_that_ends_is_noted(edgecnn: Run, tmp_path: Path) -> None:
    from tests.support.cameras import garment

    (tmp_path / "a.jpg").write_bytes(garment())
    for options, is_noted in (((), True), (("--loop",), False)):
        result = edgecnn(*INSTALL, "--dry-run", "--", "--source", tmp_path, "--no-page", *options)
        assert result.exit_code == 0 and ("the source ends" in result.stderr) == is_noted


@pytest.mark.parametrize("arguments", [(*INSTALL, *SAMPLES), ("service", "status"), ("service", "remove")])
def test_where_there_is_no_systemd_a_sentence_says_so(
    arguments: tuple[str, ...], edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "was not started by systemd" in sentence(edgecnn(*arguments))


def test_where_the_user_has_no_session_a_sentence_says_what_to_do(
    edgecnn: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.exists("/usr/bin/systemctl"):
        pytest.skip("systemctl is not installed")
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    said = sentence(edgecnn("service", "status"))
    assert "no session of" in said and "loginctl enable-linger" in said and "--system" in said
