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
from typing import Any

import pytest

from edgecnn.deploy.machine import identity
from edgecnn.device import bundled_models
from tests.deploy.conftest import Deploy
from tests.support.command_line import Outcome, Run, sentence
from tests.support.devices import Device, device_path, needs_sshd
from tests.support.own_systemd import OwnSystemd, own_systemd
from tests.support.ports import free_port
from tests.support.processes import below
from tests.support.wheelhouse import write_wheels

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
    """A device with that systemd, in whose units its home stands with two %."""
    variables = {
        "XDG_RUNTIME_DIR": systemd.environment["XDG_RUNTIME_DIR"],
        "XDG_CONFIG_HOME": f"{systemd.home}/.config",
    }
    return make_device("100%", systemd.enter(), **variables)


def alter(path: Path, **changed: object) -> None:
    """Have a release.json say something else."""
    facts = json.loads(path.read_text()) | changed
    facts.pop("id")
    path.write_text(json.dumps({"id": identity(facts), **facts}))


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


def test_what_is_not_said_of_a_service_is_as_before(station: Device, deploy: Deploy) -> None:
    def planned(*arguments: str) -> dict[str, Any]:
        done = deploy(station, OTHER, "--dry-run", "--json", *arguments)
        assert done.exit_code == 0, done.output
        service: dict[str, Any] = json.loads(done.stdout)["service"]
        return {key: service[key] for key in ("name", "is_system", "options")}

    assert deploy(station, MODEL, "--service", "door", *SAMPLES).exit_code == 0
    door = {"name": "door", "is_system": False, "options": list(SAMPLES[1:])}
    others = ["--source", "samples", "--no-page"]
    assert planned() == planned("--service", "door") == planned("--no-system") == door
    assert planned("--service", "gate") == door | {"name": "gate"}
    assert planned("--system") == door | {"is_system": True}
    assert planned("--", *others) == door | {"options": others}

    alter(station.current / "release.json", service=door | {"is_system": True})
    assert planned() == planned("--system") == planned("--service", "door") == door | {"is_system": True}
    assert planned("--no-system") == door
    assert planned("--", *others) == door | {"options": others, "is_system": True}


@pytest.mark.parametrize("source", ["rtsp://cam/1", "/dev/video0", "/home/pi/door.mp4"])
def test_what_a_source_on_the_device_needs_is_installed_there(source: str, station: Device, deploy: Deploy) -> None:
    # The folder of wheels has none of it, and the package index is not asked.
    assert "(No matching distribution found for av" in sentence(
        deploy(station, MODEL, "--dry-run", "--", "--source", source, "--no-page")
    )


@pytest.fixture(scope="module")
def with_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the page too."""
    return write_wheels(tmp_path_factory.mktemp("with_page"), "live")


def test_a_service_of_another_name_gets_the_port_of_the_page_and_gives_it_back(
    station: Device, systemd: OwnSystemd, edgecnn: Run, with_page: Path, tmp_path: Path
) -> None:
    def deploy(*arguments: str | Path) -> Outcome:
        return edgecnn("deploy", *arguments, station.name, *station.options)

    def states(*names: str) -> list[str]:
        return [says(systemd, "show", f"edgecnn-{name}", "--property", "ActiveState", "--value") for name in names]

    wheels, page = ("--wheels", with_page), ("--source", "samples", "--fps", "5", "--port", str(free_port()))
    for name in ("east", "west"):
        done = edgecnn("deploy", MODEL, station.name, *station.options, *wheels, "--service", name, "--", *page)
        assert done.exit_code == 0, done.output
    assert states("east", "west") == ["inactive", "active"]
    west = station.current

    text = tmp_path / "text.jpg"
    text.write_text("no image")
    broken = ("--", "--source", str(text), "--no-page")
    failed = edgecnn("deploy", OTHER, station.name, *station.options, *wheels, "--service", "south", *broken)
    assert "the one before runs again" in sentence(failed), failed.output
    assert station.current == west and states("west", "south") == ["active", "inactive"]

    back = deploy("--rollback")
    assert back.exit_code == 0, back.output
    assert states("east", "west") == ["active", "inactive"]


def test_a_service_that_is_not_removed_is_told(station: Device, systemd: OwnSystemd, deploy: Deploy) -> None:
    deploy(station, MODEL, "--service", "stays", *SAMPLES)
    unit = systemd.home / ".config/systemd/user/edgecnn-stays.service"
    unit.write_text(unit.read_text().partition("\n")[2])  # without the line that says whose it is
    done = deploy(station, OTHER, "--no-service", "--json")
    said = json.loads(done.stdout)
    assert done.exit_code == 0 and len(said["notes"]) == 1
    assert "the service edgecnn-stays of release 0001-" in said["notes"][0] and "may run on: " in said["notes"][0]
    assert "was not written by edgecnn service install" in said["notes"][0]
    unit.unlink()
    systemd.run("systemctl", "--user", "daemon-reload")


def test_a_service_of_the_system_is_not_left_behind_without_sudo(
    make_device: Callable[..., Device], deploy: Deploy, tmp_path: Path
) -> None:
    """Who may not remove what runs is told so before anything is sent."""
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "sudo").write_text("#!/bin/sh\nexit 1\n")
    for name in ("id", "sudo"):
        (tmp_path / name).chmod(0o755)
    device = make_device(PATH=f"{tmp_path}:{device_path(tmp_path / 'programs')}")
    deploy(device, OTHER)
    deploy(device, MODEL)
    alter(device.current / "release.json", service={"name": "door", "is_system": True, "options": []})
    before = device.current
    for arguments in ((MODEL, "--no-service"), (OTHER, "--no-service"), ("--rollback",)):
        refused = deploy(device, *arguments)
        assert "edgecnn-door that runs on" in sentence(refused) and "cannot be removed without a sudo" in refused.stderr
    assert device.current == before


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
    another = station.root.parents[3] / "another/.local/share/edgecnn/deploy/current/model.tflite"
    unit.write_text(
        f'# Written by edgecnn service install.\n[Service]\nExecStart=:python -m edgecnn live "{another}"\n'
    )
    assert "that no deployment made" in sentence(deploy(station, MODEL, "--service", "own", *SAMPLES))


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
