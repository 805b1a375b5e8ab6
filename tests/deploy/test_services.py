"""A release that runs as a service of a real systemd on the device: it gets well, or the one before runs again."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgecnn.device import bundled_models
from tests.deploy.conftest import Deploy
from tests.support.command_line import sentence
from tests.support.devices import Device, needs_sshd
from tests.support.own_systemd import OwnSystemd, own_systemd
from tests.support.processes import below

pytestmark = needs_sshd
MODEL, OTHER = bundled_models()["fashion-mnist"], bundled_models()["fashion-mnist.activations"]
SAMPLES = ("--", "--source", "samples", "--no-page", "--fps", "5")


@pytest.fixture(scope="module")
def systemd() -> Iterator[OwnSystemd]:
    with tempfile.TemporaryDirectory(prefix="edgecnn-") as folder, own_systemd(Path(folder)) as manager:
        if manager is None:
            pytest.skip("no systemd of its own may be started here")
        yield manager


@pytest.fixture
def station(systemd: OwnSystemd, make_device: Callable[..., Device]) -> Device:
    """A device with that systemd."""
    variables = {
        "XDG_RUNTIME_DIR": systemd.environment["XDG_RUNTIME_DIR"],
        "XDG_CONFIG_HOME": f"{systemd.home}/.config",
    }
    return make_device(start=systemd.enter(), **variables)


def says(systemd: OwnSystemd, *arguments: str) -> str:
    return systemd.run("systemctl", "--user", *arguments).stdout.strip()


def test_a_service_goes_on_with_the_next_model_and_comes_back_when_that_fails(
    station: Device, systemd: OwnSystemd, deploy: Deploy, tmp_path: Path
) -> None:
    first = deploy(station, MODEL, "--service", "door", *SAMPLES)
    assert first.exit_code == 0, first.output
    assert "edgecnn-door.service runs, and has classified a frame" in first.stderr
    assert deploy(station, OTHER).exit_code == 0  # with the service of before
    process = says(systemd, "show", "edgecnn-door", "--property", "MainPID", "--value")
    line = systemd.run("cat", f"/proc/{process}/cmdline").stdout.split("\0")
    assert line[-6:-1] == list(SAMPLES[1:]) and f"{station.root}/current/model.tflite" in line
    release = station.current

    text = tmp_path / "text.jpg"
    text.write_text("no image")
    failed = deploy(station, MODEL, "--service", "door", "--", "--source", str(text), "--no-page")
    assert "did not get well with this release" in sentence(failed) and "text.jpg" in failed.stderr
    assert sentence(failed).count("Error: ") == 1
    assert station.current == release and says(systemd, "is-active", "edgecnn-door") == "active"

    renamed = deploy(station, MODEL, "--service", "gate", "--", "--source", str(text), "--no-page")
    assert "the one before runs again" in sentence(renamed) and says(systemd, "is-active", "edgecnn-door") == "active"
    assert says(systemd, "show", "edgecnn-gate", "--property", "LoadState", "--value") == "not-found"

    status = deploy(station, "--status", "--json")
    assert status.exit_code == 0 and json.loads(status.stdout)["service"]["status"]["active"] is True
    back = deploy(station, "--rollback")
    assert back.exit_code == 0 and (station.current / "model.tflite").read_bytes() == MODEL.read_bytes()
    assert deploy(station, MODEL, "--service", "gate", *SAMPLES).exit_code == 0
    assert says(systemd, "is-active", "edgecnn-gate") == "active"
    assert says(systemd, "show", "edgecnn-door", "--property", "LoadState", "--value") == "not-found"
    assert deploy(station, OTHER, "--no-service").exit_code == 0
    assert says(systemd, "show", "edgecnn-gate", "--property", "LoadState", "--value") == "not-found"


def test_a_service_that_somebody_installed_there_is_left_alone(
    station: Device, systemd: OwnSystemd, deploy: Deploy
) -> None:
    units = systemd.home / ".config/systemd/user"
    units.mkdir(parents=True, exist_ok=True)
    unit = units / "edgecnn-own.service"
    unit.write_text("# Written by edgecnn service install.\n[Service]\nExecStart=:python -m edgecnn live own.tflite\n")
    refused = deploy(station, MODEL, "--service", "own", *SAMPLES)
    assert "that no deployment made" in sentence(refused) and str(unit) in refused.stderr
    assert "own.tflite" in unit.read_text() and not (station.root / "releases").exists()


def test_a_kill_between_switch_and_start_is_told_and_mended(
    station: Device, systemd: OwnSystemd, deploy: Deploy, wheelhouse: Path
) -> None:
    deploy(station, MODEL, "--service", "cut", *SAMPLES)
    process = says(systemd, "show", "edgecnn-cut", "--property", "MainPID", "--value")
    before = station.current
    command = [sys.executable, "-m", "edgecnn", "deploy", str(OTHER), station.name, *station.options]
    started = subprocess.Popen([*command, "--wheels", str(wheelhouse)], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    while station.current == before:  # from the switch on its service is being started
        assert started.poll() is None
        time.sleep(0.002)
    assert station.process
    sshd = below(station.process.pid)[0]  # what entered the systemd waits for it
    for one in below(sshd):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    assert b"Traceback" not in started.communicate(timeout=60)[1]
    assert (station.current / "model.tflite").read_bytes() == OTHER.read_bytes()

    status = deploy(station, "--status", "--json")
    assert status.exit_code == 1 and json.loads(status.stdout)["settled"] is False
    mended = deploy(station, OTHER, "--json")
    assert mended.exit_code == 0 and json.loads(mended.stdout)["previous"] == before.name
    assert says(systemd, "show", "edgecnn-cut", "--property", "MainPID", "--value") not in (process, "0")
    status = deploy(station, "--status")
    assert status.exit_code == 0 and "CUT OFF" not in status.stdout


def test_where_no_service_may_be_it_is_said_before_anything_is_sent(device: Device, deploy: Deploy) -> None:
    assert "systemd has no session for you" in sentence(deploy(device, MODEL, "--service", "door", *SAMPLES))
    assert not (device.root / "releases").exists()
    assert "needs systemd and a sudo" in sentence(deploy(device, MODEL, "--system", *SAMPLES))
